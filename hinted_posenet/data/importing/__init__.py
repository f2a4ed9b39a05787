"""Makes a data set of your own posed images: `hinted-posenet data import`."""
