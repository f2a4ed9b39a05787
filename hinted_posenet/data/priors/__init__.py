"""Priors of images from files: positions and rotations that other sensors measured, with their uncertainty."""
