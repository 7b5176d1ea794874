"""The vocabulary and laws of OAuth clients: pure values and functions, no I/O, clock or randomness."""
