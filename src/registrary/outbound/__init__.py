"""The only server code that opens connections to others."""
