"""The steps from sample to report. A step whose inputs have not changed is not run again."""

from qcompress.pipeline.durations import announced_synthesis
from qcompress.pipeline.exploring import Sweeps, explore, find_learning_rates
from qcompress.pipeline.foreign import Foreign, Quantization, compile_model, verify_model
from qcompress.pipeline.runner import run, run_one, synthesize_candidate
from qcompress.pipeline.scoring import Apart, evaluate_apart
from qcompress.pipeline.synthesis import read_reports, run_flows, vendor_estimates
from qcompress.pipeline.verification import mismatches, verify_candidate

__all__ = [
    "Apart",
    "Foreign",
    "Quantization",
    "Sweeps",
    "announced_synthesis",
    "compile_model",
    "evaluate_apart",
    "explore",
    "find_learning_rates",
    "mismatches",
    "read_reports",
    "run",
    "run_flows",
    "run_one",
    "synthesize_candidate",
    "vendor_estimates",
    "verify_candidate",
    "verify_model",
]
