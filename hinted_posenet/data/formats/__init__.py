"""Formats of posed images, one a file: reading, and writing where there is an export."""
