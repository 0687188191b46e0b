"""Scores of what networks say of hits."""
