"""Synthesis tools, and the one report that all of them give."""

from qcompress.synthesis.report import Origin, Part, SynthesisReport

__all__ = ["Origin", "Part", "SynthesisReport"]
