"""qcompress: quantized networks to firmware for detector read-out, proven bit by bit."""

__version__ = "0.1.0"
