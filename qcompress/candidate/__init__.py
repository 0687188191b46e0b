"""A firmware candidate: its folder and manifest, the figures of its steps, what is in it and how it runs.

Reading and emulating a candidate needs NumPy only; the folder can be copied anywhere.
"""

from qcompress.candidate.finding import find_candidates
from qcompress.candidate.firmware import Candidate
from qcompress.candidate.manifest import MANIFEST, SCHEMA

__all__ = ["MANIFEST", "SCHEMA", "Candidate", "find_candidates"]
