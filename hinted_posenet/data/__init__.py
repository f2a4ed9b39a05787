"""Posed images: formats on disk, splits, decoding, augmentation, import, download and checks."""
