"""Samples from and to files of other programs: ROOT trees, NumPy arrays, trigger records, clouds of points."""
