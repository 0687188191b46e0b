"""The C++ emulator of a graph or a chain of stages."""
