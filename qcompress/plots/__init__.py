"""Figures with no detector in them; matplotlib and mplhep are imported when a figure is made."""
