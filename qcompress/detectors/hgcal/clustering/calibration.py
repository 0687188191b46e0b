"""From a cluster's layers to its pT: weights of the layers, then a correction linear in |eta|.

Both are fitted to generated pT by least squares, on events that are kept apart for it. Electrons and photons shower in
CE-E: the weights are those of its trigger layers, without the first one; CE-H does not count.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors.hgcal.clustering.matching import CE_E_COLUMNS, Matched
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.fixedpoint import Values

FORMAT = "qcompress HGCAL cluster calibration"
SCHEMA = 1
LARGEST_WEIGHT = 2.0
LAYERS = CE_E_COLUMNS - 1
FEWEST = 4 * (LAYERS + 2)
"""Matched particles for each number that is fitted: fewer than four are refused."""

Origin = Mapping[str, Any]


@dataclass(frozen=True)
class Calibration:
    """layer_weights: 13, of layers 3, 5, .., 27. Corrected pT = weighted sum + eta_slope |eta| + eta_offset [GeV]."""

    layer_weights: tuple[float, ...]
    eta_slope: float = 0.0
    eta_offset: float = 0.0
    weights_from: Origin = field(default_factory=dict)
    eta_from: Origin = field(default_factory=dict)
    """What each was fitted on."""

    def layer_calibrated(self, matched: Matched) -> Values:
        """pT (m,) of `matched` clusters after the weights, GeV."""
        return np.asarray((matched.em_layer_pt[:, 1:] * np.array(self.layer_weights)).sum(axis=1))

    def corrected(self, matched: Matched) -> Values:
        """pT (m,) of `matched` clusters after the weights and the correction, GeV."""
        return np.asarray(self.layer_calibrated(matched) + self.eta_slope * np.abs(matched.eta) + self.eta_offset)

    def save(self, path: Path) -> None:
        """Write it to `path` as JSON; the file appears whole or not at all."""
        text = json.dumps({"format": FORMAT, "schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True)
        with written_aside(path) as file:
            file.write(text.encode() + b"\n")

    @classmethod
    def load(cls, path: Path) -> "Calibration":
        """The calibration that `save` wrote to `path`; raises QcompressError naming what is wrong with the file."""
        try:
            given = json.loads(path.read_text())
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as fault:
            raise QcompressError(f"{path}: no calibration ({' '.join(str(fault).split())})") from None
        if not isinstance(given, dict) or (given.pop("format", None), given.pop("schema", None)) != (FORMAT, SCHEMA):
            raise QcompressError(f"{path}: no file of {FORMAT}, schema {SCHEMA}")
        try:
            slope, offset = float(given["eta_slope"]), float(given["eta_offset"])
            weights = tuple(float(weight) for weight in given["layer_weights"])
            weights_from, eta_from = dict(given["weights_from"]), dict(given["eta_from"])
        except (KeyError, TypeError, ValueError) as fault:
            raise QcompressError(f"{path}: damaged calibration ({fault})") from None
        if len(weights) != LAYERS or not np.isfinite([*weights, slope, offset]).all():
            raise QcompressError(f"{path}: a calibration holds {LAYERS} finite weights and two finite numbers")
        return cls(weights, slope, offset, weights_from, eta_from)


def fit_layer_weights(matched: Matched, origin: Origin) -> Calibration:
    """Weights between 0 and 2 that bring the sum of layers closest to generated pT (sum of squares), no correction.

    matched: the clusters, of calibration events; origin: where they come from, kept with the weights. Raises
    QcompressError for too few particles.
    """
    from scipy.optimize import lsq_linear

    _check(matched, "layer weights", origin)
    layers = matched.em_layer_pt[:, 1:]
    fitted = lsq_linear(layers, matched.gen_pt, bounds=(0.0, LARGEST_WEIGHT), method="bvls").x
    return Calibration(tuple(fitted.tolist()), weights_from={**origin, "particles": len(matched.pt)})


def fit_eta_correction(calibration: Calibration, matched: Matched, origin: Origin) -> Calibration:
    """The same weights with the line in |eta| of the cluster that what is missing of generated pT follows best.

    calibration: has the weights; matched: the clusters, of calibration events; origin: where they come from, kept with
    the line. Raises QcompressError for too few particles.
    """
    _check(matched, "eta correction", origin)
    missing = matched.gen_pt - calibration.layer_calibrated(matched)
    terms = np.column_stack([np.abs(matched.eta), np.ones(len(matched.eta))])
    slope, offset = np.linalg.lstsq(terms, missing, rcond=None)[0].tolist()
    return replace(calibration, eta_slope=slope, eta_offset=offset, eta_from={**origin, "particles": len(matched.pt)})


def _check(matched: Matched, what: str, origin: Origin) -> None:
    if len(matched.pt) < FEWEST:
        where = ", ".join(f"{name} {value}" for name, value in origin.items())
        raise QcompressError(
            f"{what}: {len(matched.pt)} matched particles ({where}); {FEWEST} are needed: simulate more events"
        )
