"""Writes a data set in the layout of other software: `hinted-posenet data export`."""
