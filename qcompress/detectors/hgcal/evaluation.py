"""Scores of an encoder on integers: EMD of the decoded modules beside trivial references."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors import TEST, TRAIN, Decoders, Firmware, Results, Table
from qcompress.detectors.hgcal import baselines, geometry, samples
from qcompress.detectors.hgcal.algorithms import CHIP
from qcompress.detectors.hgcal.arithmetic import deployed_graph, distance, exact_graph
from qcompress.detectors.hgcal.decoders import conditions
from qcompress.detectors.hgcal.decoding import (
    DecodingOptions,
    Mask,
    charges,
    link_sums,
    module_calq,
    module_cells,
    sums_of_links,
)
from qcompress.detectors.hgcal.econt.encoder import LATENT
from qcompress.detectors.hgcal.econt.frontend import FrontEnd, normalise
from qcompress.detectors.hgcal.econt.registers import latent_capacity
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.events import LinkAllocation, modules
from qcompress.detectors.hgcal.models import EncoderOptions
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format, Overflow, Values
from qcompress.graph import Graph
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
LINK_LIMITED = ("stc", "stc-shared", "bc")
"""Algorithms whose charges depend on the links."""
OTHER = "weights of the encoder in"
FIGURE_CODECS = (
    ENCODER,
    "STC4/16, sum at the largest",
    "best choice",
    "mean image",
    "all trigger cells, norm",
)
REFERENCE_NOTE = (
    "EMD in units of half a trigger-cell pitch (cm / 1.2084), between charge shares; reference: transverse charge of "
    "the test modules before the 4E3M encoding. Empty: modules of which nothing arrived, left out of mean and median."
)


def evaluate(firmware: Firmware, path: Path, decode: Decoders, rows: int, report: Report) -> Results:
    """EMD of encoder, chip algorithms and references on the first `rows` test modules of a sample."""
    sample = samples.read(path)
    transverse = geometry.channels_to_train(sample["charge"]) / np.cosh(sample["eta"].astype(np.float64))[:, None]
    test = np.flatnonzero(sample["split"] == TEST)[:rows]
    if not len(test):
        raise QcompressError(f"{path}: has no test events")
    reference = transverse[test]
    columns = {name: column[test] for name, column in sample.columns.items()}
    calq = module_calq(FrontEnd.from_mapping(firmware.front_end), columns)
    images = normalise(calq)
    graph = firmware.graphs[ENCODER]
    received = what_arrives(columns, calq, EncoderOptions.model_validate(firmware.options))
    decoded = {ENCODER: decode_latents(firmware.run[ENCODER](images), graph.output_format, decode, received)}
    bits = graph.output_format.width
    chip = on_chip(graph)
    if chip is not None:
        name, other = other_arithmetic(chip, bits)
        decoded[name] = decode_latents(other.run(images), other.output_format, decode, received)
    links = links_of(graph)
    rows_read = modules({name: column[test] for name, column in sample.columns.items()}, LinkAllocation(links))
    decoded |= {
        f"{CHIP[name].title}, {links} links": geometry.channels_to_train(CHIP[name].decode(rows_read))
        for name in LINK_LIMITED
    }
    decoded |= {
        "threshold 1.35 mipT, no link limit": baselines.threshold(reference),
        "mean image": baselines.mean_image(transverse[sample["split"] == TRAIN], len(test)),
        "uniform image": baselines.uniform_image(*reference.shape),
        "all trigger cells, 4E3M": geometry.ae_to_train(calq).astype(np.float64),
        "all trigger cells, normalised to 8 bits": geometry.image_to_train(images).astype(np.float64),
    }
    distances: dict[str, Values] = {}
    for name, found in decoded.items():
        report(len(distances), len(decoded), f"EMD of {name}")
        distances[name] = emd(reference, found, geometry.emd_cost())
    own = scored(distances[ENCODER])
    tables = (emd_table(distances), *([] if chip is None else [arithmetic_table(chip, images, bits)]))
    return Results(
        tables,
        {"emd_mean": float(own.mean()), "emd_median": float(np.median(own))},
        {"emd_occupancy": occupancy_figure(reference, {name: distances[name] for name in shown(distances)})},
    )


class Received(NamedTuple):
    """What is known beside the latents: codes of the module sums (n,), existing cells (n, 48), the decoding's rules.

    conditions: (n, k) that the decoder takes behind the latents, None if it takes them alone.
    """

    sums: Codes
    cells: Mask
    rules: DecodingOptions
    conditions: npt.NDArray[np.float32] | None


def what_arrives(columns: samples.Columns, calq: Codes, options: EncoderOptions) -> Received:
    """Of modules with these columns and calibrated charges (n, 48)."""
    sums = link_sums(calq)
    known = conditions(columns, sums_of_links(sums)) if options.conditional else None
    return Received(sums, module_cells(columns), options.decoding, known)


def decode_latents(latents: Codes, format_: Format, decode: Decoders, received: Received) -> Values:
    """Latents (n, 16) -> float decoder -> charges (n, 48) in ADC counts, train order."""
    values = format_.to_values(latents)
    if received.conditions is not None:
        values = np.concatenate([values, received.conditions], axis=1)
    shares = geometry.image_to_train(decode["decoder"](values))
    return charges(shares, received.sums, received.cells, received.rules)


def links_of(graph: Graph) -> int:
    """Links that the graph's latents need; all 13 for latents that no link could carry."""
    bits = int(np.prod(graph.output_shape)) * graph.output_format.width
    return next(links for links in range(1, 14) if links == 13 or latent_capacity(links) >= bits)


class OnChip(NamedTuple):
    """A candidate's weights as the chip holds them; overflow: None for a candidate that computes as QKeras does."""

    weights: EncoderWeights
    overflow: Overflow | None


def on_chip(graph: Graph) -> OnChip | None:
    """The graph's weights if it is the chip's encoder in either arithmetic, format for format."""
    try:
        weights = EncoderWeights.from_graph(graph)
    except QcompressError:
        return None
    bits = graph.output_format.width
    for mode in (Overflow.WRAP, Overflow.SAT):
        if deployed_graph(weights, bits, mode).content_hash() == graph.content_hash():
            return OnChip(weights, mode)
    same = list(exact_graph(weights, bits).formats.values()) == list(graph.formats.values())
    return OnChip(weights, None) if same else None


def other_arithmetic(chip: OnChip, bits: int) -> tuple[str, Graph]:
    """The same weights in the arithmetic that the candidate does not have, and its name."""
    if chip.overflow is not None:
        return f"{OTHER} QKeras' arithmetic", exact_graph(chip.weights, bits)
    return f"{OTHER} the chip's arithmetic", deployed_graph(chip.weights, bits)


def arithmetic_table(chip: OnChip, images: Codes, candidate_bits: int) -> Table:
    """QKeras' latents against the chip's, at the full width and at the candidate's."""
    rows = []
    for bits in dict.fromkeys((LATENT.width, candidate_bits)):
        found = distance(chip.weights, images, bits, chip.overflow or Overflow.WRAP)
        rows.append((bits, found.latents, found.differing, 100 * found.share, found.mean_shift))
    columns = ("latent bits", "latents", "differing", "differing [%]", "mean shift [last bit]")
    return Table("QKeras' sums against the chip's floored products", columns, tuple(rows), "shift: QKeras minus chip")


def shown(names: Iterable[str]) -> list[str]:
    """Codecs of the figure: one decoding of each, the mean image for both empty ones, and the encoder's own limit."""
    return [name for name in names if name.startswith(FIGURE_CODECS)]


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
