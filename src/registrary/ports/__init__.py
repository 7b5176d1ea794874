"""What use cases need from outside, as narrow protocols."""
