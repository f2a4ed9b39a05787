"""Formats of posed images, one per file: each reads its layout, and writes it if there is an export."""
