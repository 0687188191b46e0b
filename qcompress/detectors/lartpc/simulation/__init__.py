"""The fast simulation of liquid-argon events: particles, charge on the wires, read-out, truth."""
