"""The store that forgets: for tests, for trying out, and for what one process may count alone."""
