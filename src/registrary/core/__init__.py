"""The vocabulary and laws of OAuth clients: pure values and functions.

No I/O, no clock, no randomness; everything else in the house speaks these words.
"""
