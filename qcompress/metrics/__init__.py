"""Measures with no detector in them."""
