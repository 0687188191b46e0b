"""HGCAL: the ECON-T encoder in its detector."""
