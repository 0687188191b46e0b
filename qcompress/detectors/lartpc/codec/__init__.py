"""Waveforms of single wires in a few latents of few bits: a quantized encoder on line, a decoder in float off line."""
