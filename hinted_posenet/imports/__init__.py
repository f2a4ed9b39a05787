"""Makes a data set of posed images of your own: read, split, written as CSV by `hinted-posenet data import`."""
