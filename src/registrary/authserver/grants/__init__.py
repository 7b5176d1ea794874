"""What becomes tokens: codes, refresh tokens, devices, exchanges, and the grants behind them."""
