"""What runs by the clock: sequencer, sweeps, key rotation, counts."""
