"""Metrics, predictions, the files of a run, and scores beside their controls."""
