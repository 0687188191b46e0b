"""Networks outside of qcompress: ONNX models of a candidate, their decisions on digits, and how fast they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qcompress.detectors import FrontEndRegisters, Table
from qcompress.detectors.tpc.networks.emulation import Ends, write_clusters
from qcompress.detectors.tpc.networks.maxima import layout_of
from qcompress.detectors.tpc.networks.models import CLASSIFIER, JUDGES
from qcompress.detectors.tpc.networks.stages import CentreDivision, Decision
from qcompress.errors import MismatchError, QcompressError
from qcompress.files import JsonObject
from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Graph
from qcompress.progress import Report
from qcompress.targets.onnx.body import OnnxBody
from qcompress.targets.onnx.model import export
from qcompress.targets.timing import time_batch
from qcompress.verification import standard_inputs, verify

CHECKED_ROWS = 2000
BATCHES = (1, 64, 4096)
"""Rows of the batches that are timed."""


class Exported(NamedTuple):
    """What was written: the type its values stand in, and how many codes were compared with the graph's."""

    dtype: str
    codes: int


def export_network(graph: Graph, front_end: FrontEndRegisters, target: Path, seed: int) -> Exported:
    """Write a network as ONNX, with the registers in front of it as metadata, and hold it against its graph.

    graph: its arithmetic; front_end: the registers; target: file to write; seed: of the random codes that are compared.
    Raises MismatchError if a code differs, Refused for what floating point cannot give.
    """
    notes = {name: str(value) for name, value in front_end.items()}
    dtype = export(graph, target, {"network": graph.name, **notes})
    found = verify(graph, [OnnxBody(target)], standard_inputs(graph, CHECKED_ROWS, seed))
    if wrong := sum(one.mismatches for one in found):
        raise MismatchError(f"{target}: {wrong} codes are not those of {graph.name}")
    return Exported(str(dtype), sum(one.codes for one in found))


def front_end_of(body: OnnxBody) -> JsonObject:
    """The registers that `export_network` kept in a model, `body`; raises QcompressError for another model."""
    notes = body.notes
    try:
        given = {"log_charge": "False", **notes}
        flags = {name: {"True": True, "False": False}[given[name]] for name in ("extras", "classical", "log_charge")}
        return {"window": notes["window"], **flags, "threshold": float(notes["threshold"])}
    except (KeyError, ValueError) as fault:
        raise QcompressError(f"{body.path}: no exported TPC network ({fault} is missing or wrong)") from None


def infer(model: Path, source: Path, target: Path, report: Report) -> str:
    """Digits to clusters with an ONNX `model` in onnxruntime: the same file that `qcompress emulate` writes.

    source: a sample, or CSV of one sector; target: CSV to write; report: told how many frames are done. Returns a line
    of counts. Raises QcompressError for a model of another origin, and naming file and line of bad digits.
    """
    body = OnnxBody(model)
    front_end = front_end_of(body)
    network = body.notes.get("network", CLASSIFIER)
    (made,) = body.session.get_outputs()
    outputs, format_ = tuple(made.shape[1:]), Format.parse(body.notes["output_format"])
    stages = (Decision(outputs, format_, front_end["threshold"]),) if network in JUDGES else ()
    division = CentreDivision(layout_of(front_end))

    def run(raw: Codes) -> dict[str, Codes]:
        codes = body.run(division.run(raw))
        return {network: codes, **{stage.name: stage.run(codes) for stage in stages}}

    return write_clusters(front_end, {network: Ends(outputs[0], network, run)}, source, target, report)


def timing_table(model: Path, threads: int, warm_up: int, repeats: int, batches: Sequence[int] = BATCHES) -> Table:
    """Seconds of an ONNX `model` for `batches` of made-up windows, their sizes.

    threads: of onnxruntime; warm_up: batches before the clock runs; repeats: batches that are timed, of each size.
    """
    body = OnnxBody(model, threads)
    (given,) = body.session.get_inputs()
    format_ = Format.parse(body.notes["input_format"])
    rng = np.random.default_rng(1)
    rows = []
    for size in batches:
        values = format_.to_values(rng.integers(0, format_.max_code, (size, *given.shape[1:])))
        timing = time_batch(lambda values=values: body.predict(values), size, warm_up, repeats)  # type: ignore[misc]
        seconds = (1000 * s for s in (timing.median, timing.percentile_95, timing.percentile_99))
        rows.append((size, *seconds, timing.rate))
    columns = ("batch", "median [ms]", "95 % [ms]", "99 % [ms]", "clusters/s")
    note = f"{body.provider}, {threads} thread(s), {warm_up} of warm-up, {repeats} repeats"
    return Table(f"{model.name} in onnxruntime", columns, tuple(rows), note)
