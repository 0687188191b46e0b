"""The network that finds regions of interest on single wires: windows of 200 ticks, signal or noise."""
