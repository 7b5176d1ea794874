"""What one of several nodes keeps besides the store: what it read, who leads, what was counted."""
