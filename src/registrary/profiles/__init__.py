"""Registration profiles: one file per door, how its requests are read and what they need."""
