"""The HTML page of `hinted-posenet report`."""
