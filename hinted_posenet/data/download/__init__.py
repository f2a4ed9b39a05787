"""Downloads published data sets: `hinted-posenet data fetch`."""
