"""A module of HGCAL and its place: trigger cells and their numberings, wafers, layers, links."""
