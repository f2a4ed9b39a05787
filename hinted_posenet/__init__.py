"""Camera relocalization with hinted networks."""
