"""The doctor: reads a data set as training would, and reports what is wrong with it."""
