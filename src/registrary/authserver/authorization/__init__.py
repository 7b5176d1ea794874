"""The authorization endpoint: what is asked, whether it may be, what a person allowed."""
