"""Judges drafts: pure functions from what was sent and what is known to a decision."""
