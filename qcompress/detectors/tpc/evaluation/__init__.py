"""Scores of candidates on test frames, beside the classical finder."""
