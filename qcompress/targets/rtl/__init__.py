"""A graph as Verilog: constant weights (pipelined) or loadable weights (parallel or folded)."""
