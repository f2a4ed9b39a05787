"""Aerial-view simulator: a World seen by a camera along flight plans, written as a data set."""
