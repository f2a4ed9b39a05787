"""Training from a config to a run on disk, evaluation of checkpoints, and studies."""
