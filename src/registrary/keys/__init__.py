"""Signing, sealing and pepper keys, and where they are kept."""
