"""The data set doctor: reads a data set as training would, and tells what is wrong with it."""
