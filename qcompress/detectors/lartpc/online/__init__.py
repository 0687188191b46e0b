"""The read-out's classical algorithms in exact integers: pedestals, trigger primitives, regions, hits, codes."""
