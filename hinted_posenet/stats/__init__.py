"""What a data set is like before any network: `hinted-posenet data stats`."""
