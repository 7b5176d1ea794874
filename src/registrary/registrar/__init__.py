"""Use cases about clients: register, read, update, delete, hold, revoke."""
