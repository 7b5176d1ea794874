"""The composition root: settings in, a running application out; adapters are made only here."""
