"""The liquid-argon time-projection chamber: waveforms of wires, regions of interest, track or shower."""
