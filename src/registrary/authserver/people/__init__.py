"""People: how they prove who they are, their sessions, and what clients are told about them."""
