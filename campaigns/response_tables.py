"""Tables of `response.py`: beside published figures, calibrations crossed, against the threshold, without pile-up."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from response_blocks import (
    ALONE,
    CALIBRATING,
    ELECTRONS,
    ELECTRONS_ALONE,
    KINDS,
    PHOTONS,
    STAGES,
    Sources,
    back_ends,
    calibrate,
    everything,
    slug,
)
from response_codecs import LEARNED, title

from qcompress.detectors import Table
from qcompress.detectors.hgcal.clustering.closure import SHIFT, STEP, closure
from qcompress.detectors.hgcal.clustering.scores import (
    CALIBRATED,
    CORRECTED,
    FINAL_GEN_PT,
    RAW,
    Line,
    final,
    lines,
    response_table,
    responses,
)
from qcompress.detectors.hgcal.clustering.settings import BackEnd
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.metrics.response import RESAMPLES, Response
from qcompress.metrics.response import figures as spread
from qcompress.report.tables import as_csv

Stage = tuple[str, str, tuple[str, str]]
"""Sample, stage, samples of layer weights and of the correction."""
AT_THREE = {"uncompressed": "-9.6", "threshold": "-9.2", "bc-stc": "-3.5"}
"""GeV, published."""
THRESHOLD = "threshold"
PUBLISHED = {
    "uncompressed": ("0.96", "0.0402", "0.0676"),
    "threshold": ("0.94", "0.0462", "0.0744"),
    "bc-stc": ("0.89", "0.0431", "0.0673"),
    "autoencoders": ("0.87-0.94", "0.041-0.051", "0.090-0.094"),
}
"""Raw mean; rms/mean of 0 PU photons, layer calibrated; rms/mean of 200 PU electrons, eta corrected."""


def published_table(found: dict[str, dict[str, list[Line]]]) -> Table:
    """The figures that are published, beside ours; weights of photons, correction of electrons, as published."""
    which = (
        (PHOTONS, RAW, "", ""),
        (ELECTRONS, RAW, "", ""),
        (PHOTONS, CALIBRATED, PHOTONS, ""),
        (ELECTRONS, CORRECTED, PHOTONS, ELECTRONS),
    )
    rows = []
    for algorithm in found[PHOTONS]:
        published = published_of(algorithm)
        raw, pile_up, *final_ones = (pick(found, algorithm, *line) for line in which)
        cells = [f"{one.value.mean:.3f}" for one in (raw, pile_up)]
        for one, other in zip(final_ones, published[1:], strict=True):
            cells += [words(one, "rms_over_mean"), other, words(one, "effective_rms")]
        rows.append((title(algorithm), *cells[:2], published[0], *cells[2:]))
    spread = ("rms/mean", "published", "effective rms")
    columns = (
        *("algorithm", "raw mean, 0 PU", "200 PU", "published"),
        *(f"0 PU, layer calibrated: {spread[0]}", *spread[1:]),
        *(f"200 PU, eta corrected: {spread[0]}", *spread[1:]),
    )
    return Table("Beside published figures", columns, tuple(rows))


def alone_table(found: dict[str, dict[str, list[Line]]]) -> Table:
    """Electrons without pile-up beside photons without: raw, and with the layer weights of photons."""
    rows = []
    for algorithm in found[PHOTONS]:
        cells = [f"{pick(found, algorithm, of, RAW, '', '').value.mean:.3f}" for of in (ELECTRONS_ALONE, PHOTONS)]
        both = [pick(found, algorithm, of, CALIBRATED, PHOTONS, "") for of in (ELECTRONS_ALONE, PHOTONS)]
        cells += [f"{one.value.mean:.3f}" for one in both]
        cells += [words(one, figure) for figure in ("rms_over_mean", "effective_rms") for one in both]
        rows.append((title(algorithm), *cells))
    columns = (
        "algorithm",
        *(
            f"{what}{of}"
            for what in ("raw mean", "layer calibrated: mean", "rms/mean", "effective rms")
            for of in ("", ", photons")
        ),
    )
    return Table("Electrons without pile-up", columns, tuple(rows))


def published_of(algorithm: str) -> tuple[str, ...]:
    """The published figures of an algorithm of the chip, or of autoencoders."""
    other = algorithm in CHIP or algorithm.startswith(LEARNED)
    return PUBLISHED.get(algorithm, ("-", "-", "-") if other else PUBLISHED["autoencoders"])


def crossed_table(name: str, found: dict[str, list[Line]]) -> Table:
    """Mean and rms/mean of a sample at every stage, calibrated by either sample: a row an algorithm."""
    stages = list(dict.fromkeys((line.stage, line.weights, line.eta) for of in found.values() for line in of))
    columns = [", ".join(word for word in (stage, weights, eta) if word) for stage, weights, eta in stages]
    rows = [
        (title(algorithm), *(f"{one.found.value.mean:.3f}: {one.found.value.rms_over_mean:.4f}" for one in of))
        for algorithm, of in found.items()
    ]
    note = "Mean: rms/mean. Layer weights of the first sample that is named, correction in |eta| of the second."
    return Table(f"Calibrations of either sample, {name}", ("algorithm", *columns), tuple(rows), note)


def words(found: Response, figure: str) -> str:
    """A figure and its error."""
    return f"{getattr(found.value, figure):.4f} +- {getattr(found.error, figure):.4f}"


def pick(found: dict[str, dict[str, list[Line]]], algorithm: str, sample: str, *stage: str) -> Response:
    """The response of one line: stage, sample of the weights, sample of the correction."""
    return next(line.found for line in found[sample][algorithm] if (line.stage, line.weights, line.eta) == stage)


def report(folder: Path, given: argparse.Namespace) -> Iterator[Table]:
    """Tables of every back end; calibrations and tables are written."""
    found = everything(folder, given)
    if {"uncompressed", "repeater"} <= set(found):
        yield closure_table(found, back_ends(given))
    for back_end in back_ends(given):
        own: dict[str, dict[str, list[Line]]] = {name: {} for name in KINDS}
        for algorithm, sources in found.items():
            calibrations = calibrate(sources, algorithm, back_end)
            for (weights, eta), one in calibrations.items():
                name = slug(f"{title(algorithm)} {back_end.name} {KINDS[weights]} {KINDS[eta]}")
                one.save(folder / f"calibration_{name}.json")
            for name, source in sources.items():
                own[name][algorithm] = lines(title(algorithm), source.matched(back_end, source.test), calibrations)
        for name, of in own.items():
            table = response_table(f"Response, {name}", [one for found_lines in of.values() for one in found_lines])
            table = table._replace(note=note(found, name, back_end))
            (folder / f"response_{slug(f'{KINDS[name]} {back_end.name}')}.csv").write_text(as_csv(table))
            yield crossed_table(name, of)._replace(note=table.note)
        yield published_table(own)._replace(note=back_end.name)
        yield alone_table(own)._replace(note=note(found, ELECTRONS_ALONE, back_end))
        yield corrections(found, back_end)
        if THRESHOLD in found:
            yield differences(found, back_end, STAGES)
            yield differences(found, back_end, (ALONE,))


def corrections(found: dict[str, Sources], back_end: BackEnd) -> Table:
    """What electrons' correction adds to pT at |eta| = 3, behind photons' layer weights, beside what is published."""
    rows = []
    for algorithm, sources in found.items():
        own = calibrate(sources, algorithm, back_end)[PHOTONS, ELECTRONS]
        rows.append((title(algorithm), f"{own.eta_offset + 3 * own.eta_slope:.1f}", AT_THREE.get(algorithm, "-")))
    columns = ("algorithm", "correction at |eta| = 3 [GeV]", "published")
    return Table("Correction of electrons in pile-up", columns, tuple(rows), back_end.name)


def differences(found: dict[str, Sources], back_end: BackEnd, stages: tuple[Stage, ...]) -> Table:
    """Spreads minus those of the threshold algorithm on the same particles, at some stages."""
    rows = []
    columns = ["algorithm"]
    for name, stage, _ in stages:
        columns += [f"{name}, {stage}: particles", "rms/mean minus threshold's", "effective rms minus threshold's"]
    for algorithm in found:
        if algorithm == THRESHOLD:
            continue
        cells: list[str | int] = [title(algorithm)]
        for name, stage, key in stages:
            values = []
            for one in (algorithm, THRESHOLD):
                matched = final(found[one][name].matched(back_end, found[one][name].test))
                pairs = zip(matched.event.tolist(), matched.zside.tolist(), matched.gen_pt.tolist(), strict=True)
                of_particle = responses(matched, calibrate(found[one], one, back_end)[key])[stage]
                values.append(dict(zip(pairs, of_particle.tolist(), strict=True)))
            both = np.array([[of[key] for of in values] for key in sorted(values[0].keys() & values[1].keys())])
            found_difference, error = paired(both)
            cells.append(len(both))
            cells += [f"{d:+.4f} +- {e:.4f}" for d, e in zip(found_difference, error, strict=True)]
        rows.append(tuple(cells))
    return Table("Against the threshold algorithm, particle by particle", tuple(columns), tuple(rows), back_end.name)


def paired(both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """rms/mean and effective rms (2,) of responses (n, 2), first minus second, and errors: particles drawn anew."""

    def spreads(values: np.ndarray) -> np.ndarray:
        first, second = (spread(values[:, column]) for column in (0, 1))
        return np.array([getattr(first, name) - getattr(second, name) for name in ("rms_over_mean", "effective_rms")])

    rng = np.random.default_rng(1)
    drawn = [spreads(both[rng.integers(0, len(both), len(both))]) for _ in range(RESAMPLES)]
    return spreads(both), np.std(drawn, axis=0)


def closure_table(found: dict[str, Sources], of: tuple[BackEnd, ...]) -> Table:
    """The repeater's clusters against those of all trigger cells, all events of every sample."""
    rows = []
    for back_end in of:
        for name in KINDS:
            both = [found[algorithm][name] for algorithm in ("uncompressed", "repeater")]
            reference, other = (s.matched(back_end, np.r_[s.test, s.calibration]) for s in both)
            got = closure(reference, other)
            change, shift = round(got.pt_change, 4), round(got.shift, 5)
            said = "passed" if got.passed else "failed"
            rows.append((back_end.name, name, got.clusters, got.missing, change, shift, said))
    columns = ("back end", "sample", "clusters", "missing", "largest change of pT", "largest shift", "closure")
    return Table("Closure of the repeater", columns, tuple(rows), f"limits: 0, {STEP:.4f}, {SHIFT:.5f} in (x/z, y/z)")


def note(found: dict[str, Sources], name: str, back_end: BackEnd) -> str:
    """How a table was made."""
    sources = next(iter(found.values()))
    source = sources[name]
    fitted = " and ".join(f"{len(one.calibration)} events of {of}" for of, one in sources.items() if of in CALIBRATING)
    return (
        f"{back_end.name}; {len(source.test)} test events with {source.accepted(source.test)} particles above "
        f"{FINAL_GEN_PT:g} GeV in 1.6 < |eta| < 2.9; calibrations of {fitted}."
    )
