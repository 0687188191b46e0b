"""Response of matched clusters, raw, after the layer weights and after the correction in |eta|; tables and profiles."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from qcompress.detectors import Table
from qcompress.detectors.hgcal.clustering.calibration import Calibration
from qcompress.detectors.hgcal.clustering.matching import Matched
from qcompress.fixedpoint import Values
from qcompress.metrics.response import Figures, Response, ResponseProfile, response, response_profile

RAW, CALIBRATED, CORRECTED = "raw", "layer calibrated", "eta corrected"
STAGES = (RAW, CALIBRATED, CORRECTED)
FINAL_GEN_PT = 10.0
"""GeV: particles of less do not count in final figures."""
PT_EDGES = np.arange(5.0, 201.0, 5.0)
ETA_EDGES = np.round(np.arange(1.6, 2.95, 0.1), 1)
SEED = 1
DIGITS = 4


class Line(NamedTuple):
    """A line of the table of responses."""

    algorithm: str
    stage: str
    weights: str
    """Sample that the layer weights were fitted on; empty where there are none."""
    eta: str
    """The same of the correction in |eta|."""
    found: Response


def responses(matched: Matched, calibration: Calibration | None = None) -> dict[str, Values]:
    """pT over generated pT (m,) of `matched` clusters at every stage; only the raw one without a `calibration`."""
    found = {RAW: matched.pt / matched.gen_pt}
    if calibration is not None:
        found[CALIBRATED] = calibration.layer_calibrated(matched) / matched.gen_pt
        found[CORRECTED] = calibration.corrected(matched) / matched.gen_pt
    return found


def final(matched: Matched) -> Matched:
    """Those of `matched` that count in final figures: above FINAL_GEN_PT, GeV."""
    return matched.chosen(matched.gen_pt > FINAL_GEN_PT)


def lines(
    algorithm: str, matched: Matched, calibrations: Mapping[tuple[str, str], Calibration], seed: int = SEED
) -> list[Line]:
    """Lines of one `algorithm` on one sample; calibrations by what weights and correction were fitted on.

    matched: its clusters, of which `final` ones count; seed: of the errors' bootstrap.
    """
    counted = final(matched)
    found = [Line(algorithm, RAW, "", "", response(responses(counted)[RAW], seed))]
    for weights in dict.fromkeys(weights for weights, _ in calibrations):
        one = next(c for (w, _), c in calibrations.items() if w == weights)
        calibrated = response(responses(counted, one)[CALIBRATED], seed)
        found.append(Line(algorithm, CALIBRATED, weights, "", calibrated))
    for (weights, eta), calibration in calibrations.items():
        corrected = response(responses(counted, calibration)[CORRECTED], seed)
        found.append(Line(algorithm, CORRECTED, weights, eta, corrected))
    return found


def response_table(title: str, measured: Sequence[Line], note: str = "") -> Table:
    """Figures with their errors, a row for each of the lines; what is not determined is unknown, not 0.

    measured: lines of `lines`; title, note: of the table.
    """
    columns = ["algorithm", "stage", "weights of", "eta correction of", "particles"]
    for name in Figures._fields:
        columns += [name.replace("_", " "), "+-"]
    rows = []
    for line in measured:
        numbers = [x for pair in zip(line.found.value, line.found.error, strict=True) for x in pair]
        cells = [round(float(x), DIGITS) if np.isfinite(x) else None for x in numbers]
        words = (line.algorithm, line.stage, line.weights or None, line.eta or None)
        rows.append((*words, line.found.entries, *cells))
    return Table(title, tuple(columns), tuple(rows), note)


def against_pt(matched: Matched, values: Values, edges: Values = PT_EDGES, seed: int = SEED) -> ResponseProfile:
    """Responses, `values` (m,), of `matched` clusters in bins of generated pT.

    edges: GeV; seed: of the errors' bootstrap.
    """
    return response_profile(matched.gen_pt, values, edges, seed)


def against_eta(matched: Matched, values: Values, edges: Values = ETA_EDGES, seed: int = SEED) -> ResponseProfile:
    """Responses, `values` (m,), of `matched` clusters in bins of |eta| at the calorimeter's entry.

    edges: of |eta|; seed: of the errors' bootstrap.
    """
    return response_profile(np.abs(matched.gen_eta), values, edges, seed)


def profile_table(title: str, quantity: str, profiles: Mapping[str, ResponseProfile]) -> Table:
    """A row for each bin of each of the `profiles`, by algorithm; empty bins have no figures.

    title: the table's; quantity: what is binned, with its unit.
    """
    rows = []
    for name, profile in profiles.items():
        for low, high, one in zip(profile.edges[:-1], profile.edges[1:], profile.bins, strict=True):
            numbers = [x for pair in zip(one.value, one.error, strict=True) for x in pair]
            cells = [round(x, DIGITS) if np.isfinite(x) else None for x in numbers]
            rows.append((name, float(low), float(high), one.entries, *cells))
    columns = [column for name in Figures._fields for column in (name.replace("_", " "), "+-")]
    return Table(title, ("algorithm", f"{quantity} from", "to", "particles", *columns), tuple(rows))
