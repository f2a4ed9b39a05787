"""Posed images: readers of data sets on disk, decoding, splits and augmentation."""
