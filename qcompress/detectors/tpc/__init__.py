"""The time-projection chamber: which charge maxima are clusters, and where."""
