"""How events become log records, how the log is hashed and proved, and how anyone checks it."""
