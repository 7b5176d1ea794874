"""What back-ends share: which records there are, and how work is gathered for one commit."""
