"""Heads: feature (and hint) -> pose."""
