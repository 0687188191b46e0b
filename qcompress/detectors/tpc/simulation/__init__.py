"""The fast simulation of sector frames."""
