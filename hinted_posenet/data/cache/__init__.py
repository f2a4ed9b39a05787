"""Decoded images kept on disk for all runs, and what the cache folder holds."""
