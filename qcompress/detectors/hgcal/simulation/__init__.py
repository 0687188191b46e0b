"""The fast simulation of HGCAL events, and what validates it."""
