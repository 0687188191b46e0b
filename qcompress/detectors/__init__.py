"""The detector plug: what a detector must offer, and how an installed one is found.

A detector is a module named in the entry-point group ``qcompress.detectors``; it holds an object ``DETECTOR``
derived from `Detector`. It is imported only when a config or a command names it.
"""

from qcompress.detectors.evaluation import Evaluation
from qcompress.detectors.firmware import Decoders, Firmware, FrontEndRegisters, Running
from qcompress.detectors.options import NetworkSection, Options
from qcompress.detectors.plug import FINISH_ROWS, Detector, Network, SampleCard
from qcompress.detectors.registry import GROUP, detector_names, load_detector, owner_of, reader_of
from qcompress.detectors.results import Cell, Results, Table
from qcompress.detectors.rows import Rows
from qcompress.detectors.splits import CALIBRATION, TEST, TRAIN, VALIDATION

__all__ = [
    "CALIBRATION",
    "FINISH_ROWS",
    "GROUP",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Cell",
    "Decoders",
    "Detector",
    "Evaluation",
    "Firmware",
    "FrontEndRegisters",
    "Network",
    "NetworkSection",
    "Options",
    "Results",
    "Rows",
    "Running",
    "SampleCard",
    "Table",
    "detector_names",
    "load_detector",
    "owner_of",
    "reader_of",
]
