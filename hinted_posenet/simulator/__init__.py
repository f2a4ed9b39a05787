"""Aerial-view simulator: a world seen by a camera along flight plans, written as a data set."""
