"""Scores of an encoder on integers: EMD of the decoded modules beside trivial references."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qcompress.detectors import TEST, TRAIN, Decoders, Firmware, Results, Table
from qcompress.detectors.hgcal import baselines, geometry, samples
from qcompress.detectors.hgcal.econt.frontend import FrontEnd, normalise
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Values
from qcompress.metrics.emd import emd
from qcompress.metrics.profiles import Profile, profile
from qcompress.plots.profiles import profile_figure
from qcompress.progress import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OCCUPIED_ADC = 35
"""A trigger cell counts as occupied above this charge."""
OCCUPANCY_EDGES = np.linspace(0, 48, 13)
ENCODER = "encoder"
REFERENCE_NOTE = (
    "EMD in units of half a trigger-cell pitch (cm / 1.2084), between charge shares; reference: transverse charge of "
    "the test modules before the 4E3M encoding."
)


def evaluate(firmware: Firmware, path: Path, decode: Decoders, rows: int, report: Report) -> Results:
    """EMD of encoder and references on the first `rows` test modules of a sample."""
    sample = samples.read(path)
    transverse = geometry.channels_to_train(sample.charge) / np.cosh(sample.eta.astype(np.float64))[:, None]
    test = np.flatnonzero(sample.split == TEST)[:rows]
    if not len(test):
        raise QcompressError(f"{path}: has no test events")
    reference = transverse[test]
    calq = FrontEnd.from_mapping(firmware.front_end).charges(sample.codes[test].astype(np.int64))
    decoded = {
        ENCODER: decode_encoder(firmware, decode, calq),
        "threshold 1.35 mipT, no link limit": baselines.threshold(reference),
        "mean image": baselines.mean_image(transverse[sample.split == TRAIN], len(test)),
        "uniform image": baselines.uniform_image(*reference.shape),
        "all trigger cells, 4E3M": geometry.ae_to_train(calq).astype(np.float64),
        "all trigger cells, normalised to 8 bits": geometry.image_to_train(normalise(calq)).astype(np.float64),
    }
    distances: dict[str, Values] = {}
    for name, charges in decoded.items():
        report(len(distances), len(decoded), f"EMD of {name}")
        distances[name] = emd(reference, charges, geometry.emd_cost())
    return Results(
        (emd_table(distances),),
        {
            "emd_mean": float(scored(distances[ENCODER]).mean()),
            "emd_median": float(np.median(scored(distances[ENCODER]))),
        },
        {"emd_occupancy": occupancy_figure(reference, distances)},
    )


def decode_encoder(firmware: Firmware, decode: Decoders, calq: Codes) -> Values:
    """CALQ in AE order (n, 48) -> normaliser, encoder body, float decoder -> charges (n, 48) in train order."""
    latents = firmware.run[ENCODER](normalise(calq))
    image = decode["decoder"](firmware.graphs[ENCODER].output_format.to_values(latents))
    return geometry.image_to_train(image).astype(np.float64)


def scored(distances: Values) -> Values:
    """Distances of rows with charge on both sides."""
    return distances[distances >= 0]


def emd_table(distances: Mapping[str, Values]) -> Table:
    rows = [
        (
            name,
            len(d),
            int((d < 0).sum()),
            float(scored(d).mean()) if len(scored(d)) else None,
            float(np.median(scored(d))) if len(scored(d)) else None,
        )
        for name, d in distances.items()
    ]
    return Table(
        "EMD on test events", ("codec", "modules", "empty", "mean EMD", "median EMD"), tuple(rows), REFERENCE_NOTE
    )


def occupancy_figure(reference: Values, distances: Mapping[str, Values]) -> "Figure":
    """EMD against the number of occupied trigger cells: median and 68 % band."""
    occupancy = (reference > OCCUPIED_ADC).sum(axis=1)
    shown: dict[str, Profile] = {
        name: profile(occupancy[d >= 0], d[d >= 0], OCCUPANCY_EDGES) for name, d in distances.items()
    }
    return profile_figure(
        shown,
        f"Trigger cells above {OCCUPIED_ADC} ADC counts (transverse)",
        "EMD [half trigger-cell pitch]",
        "qcompress HGCAL fast simulation, test events",
    )
