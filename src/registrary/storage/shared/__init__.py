"""What back-ends share: which records there are, how work is gathered, a store that passes on."""
