"""Leaving at a client's wish: what it asks for, and where the person may be sent after."""
