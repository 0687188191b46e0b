"""The ECON-T encoder as a candidate: networks, losses, stages around it, arithmetic, deployment, emulation."""
