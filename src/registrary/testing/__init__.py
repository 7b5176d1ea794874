"""The public test kit: what our own tests stand on, for those who build on Registrary."""
