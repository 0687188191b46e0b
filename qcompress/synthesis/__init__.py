"""Synthesis: the only owner of synthesis tools. Every tool fills one `SynthesisReport`."""

from qcompress.synthesis.report import Origin, SynthesisReport

__all__ = ["Origin", "SynthesisReport"]
