"""Use cases about grants and tokens: who a client is, what it gets, what that is worth."""
