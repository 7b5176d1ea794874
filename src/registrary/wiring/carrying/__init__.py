"""A whole store at once: into a file and out of it, to another database, as a backup and back."""
