"""The admin API: rows of operations, one way to authorize, parse, answer and document them."""
