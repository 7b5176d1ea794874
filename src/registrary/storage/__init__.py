"""Implementations of the store, one folder for each database; they do not know each other."""
