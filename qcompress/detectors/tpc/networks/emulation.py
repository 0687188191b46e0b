"""Offline emulation: digits to clusters with the finder's flags and the networks' decisions, integers only."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qcompress.detectors import Firmware, FrontEndRegisters
from qcompress.detectors.tpc import samples
from qcompress.detectors.tpc.finder import digit_files
from qcompress.detectors.tpc.networks.losses import QUANTITIES
from qcompress.detectors.tpc.networks.maxima import find_maxima, layout_of
from qcompress.detectors.tpc.networks.models import CLASSIFIER, JOINT, JUDGES, REGRESSOR
from qcompress.detectors.tpc.networks.stages import DECISION
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.fixedpoint import Codes
from qcompress.progress import Report

CLUSTER_COLUMNS = (
    *("event", "sector", "row", "peak_pad", "peak_time", "pad_64", "time_64"),
    *("sigma_pad_32", "sigma_time_32", "qmax", "qtot", "flags"),
)


class Digits(NamedTuple):
    """One sector frame as a file gives it."""

    event: int
    sector: int
    time_bins: int | None
    columns: samples.Columns
    gain: Any


class Ends(NamedTuple):
    """One network in its whole chain: how many numbers it gives, and what computes the chain.

    run(windows): codes by the name of the stage that gives them, `network` the network's own.
    """

    outputs: int
    network: str
    run: Callable[[Codes], Mapping[str, Codes]]


def emulate(firmware: Firmware, source: Path, target: Path, overrides: Mapping[str, Any], report: Report) -> str:
    """Digits (a sample, or CSV of one sector: row,pad,time,charge) -> CSV of clusters, by the firmware's integers.

    firmware: the candidate's; source: the digits; target: the CSV; overrides: none, the detector has no options here;
    report: told how many frames are done. Returns a line of counts.
    """
    networks = {
        name: Ends(graph.output_shape[0], graph.name, firmware.chains[name].run)
        for name, graph in firmware.graphs.items()
    }
    return write_clusters(firmware.front_end, networks, source, target, report)


def write_clusters(
    front_end: FrontEndRegisters, networks: Mapping[str, Ends], source: Path, target: Path, report: Report
) -> str:
    """One line for each cluster of the classical finder, with what the `networks` say of it.

    front_end: the registers; source: digits, a sample or CSV; target: CSV to write, whole or not at all; report: told
    how many frames are done. A line holds the classical cluster, its flags untouched, then `decision` and the output
    codes of the classifier and the five output codes of the regressor, whichever there is, or those of a joint network.
    Clusters that the finder itself rejects are left out. Returns a line of counts; raises QcompressError if source and
    target are one file.
    """
    if target.resolve() == source.resolve():
        raise QcompressError(f"{target}: is the input itself; give another output file")
    clusters = kept = 0
    judged = any(name in networks for name in JUDGES)
    with written_aside(target) as file:
        file.write((",".join(header(networks)) + "\n").encode())
        for done, digits in enumerate(read(source), 1):
            table = decide(front_end, networks, digits)
            np.savetxt(file, table, "%d", ",")
            clusters += len(table)
            kept += int((table[:, len(CLUSTER_COLUMNS)] > 0).sum()) if judged else 0
            report(done, done, f"{clusters} clusters")
    said = f", {kept} accepted" if judged else ""
    return f"{clusters} clusters{said}, written to {target}"


def header(networks: Mapping[str, Ends]) -> list[str]:
    """Names of the columns of a file of clusters with what these `networks` say."""
    names = list(CLUSTER_COLUMNS)
    if CLASSIFIER in networks:
        names += ["decision", *(f"logit_{k}" for k in range(networks[CLASSIFIER].outputs))]
    if JOINT in networks:
        names += ["decision", "logit_0"]
    if REGRESSOR in networks or JOINT in networks:
        names += [f"network_{name}" for name in QUANTITIES]
    return names


def decide(front_end: FrontEndRegisters, networks: Mapping[str, Ends], digits: Digits) -> Codes:
    """Integers (clusters, columns of `header`) of one frame, `digits`; front_end: the registers; networks: by name."""
    layout = layout_of(front_end)
    found = find_maxima(digits.columns, digits.sector, digits.gain, digits.time_bins, layout)
    raw = found.raw.astype(np.int64)
    own = found.clusters
    columns = [np.full(len(own.row), digits.event), np.full(len(own.row), digits.sector), *own[:10]]
    table = [np.stack(columns, axis=1)]
    for name in (CLASSIFIER, REGRESSOR, JOINT):
        if name in networks:
            made = networks[name].run(raw)
            table += [made[DECISION]] if name in JUDGES else []
            table.append(made[networks[name].network])
    return np.asarray(np.concatenate(table, axis=1)[~own.rejected], np.int64)


def read(path: Path) -> Iterator[Digits]:
    """Frames of the sample at `path`, or the one of a CSV file."""
    if path.suffix == ".csv":
        columns = digit_files.read(path, ("row", "pad", "time", "charge"))
        yield Digits(0, 0, None, columns, None)
        return
    with samples.Handle(path) as sample:
        for frame in sample.frames():
            correction = sample.correction(frame.sector)
            yield Digits(frame.event, frame.sector, frame.time_bins, frame.digits, correction)
