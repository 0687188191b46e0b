"""Networks at the maxima of a frame: windows, labels, models, stages, deployment, emulation."""
