"""An event display in a browser: truth, what candidates say, waveforms, and a hand scan that labels hits."""
