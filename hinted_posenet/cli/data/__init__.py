"""The verbs of `hinted-posenet data`."""
