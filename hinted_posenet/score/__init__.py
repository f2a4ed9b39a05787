"""Score files, not models: anybody's poses of a data set's frames, for `hinted-posenet score`."""
