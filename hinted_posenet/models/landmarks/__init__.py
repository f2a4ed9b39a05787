"""Landmarks: local features of images, and how they are matched."""
