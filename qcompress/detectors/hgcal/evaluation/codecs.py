"""A candidate and trivial codecs beside the chip's algorithms: the same table, the same modules, the same answer."""

from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Decoders, Firmware
from qcompress.detectors.hgcal.econt.frontend import OF_MODULES, FrontEnd, normalise
from qcompress.detectors.hgcal.econt.registers import latent_capacity
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.encoder.arithmetic import deployed_graph, exact_graph
from qcompress.detectors.hgcal.encoder.charge_sharing import (
    DecodingOptions,
    Mask,
    charges,
    link_sums,
    module_calq,
    module_cells,
    sums_of_links,
)
from qcompress.detectors.hgcal.encoder.decoders import conditions
from qcompress.detectors.hgcal.encoder.models import ENCODER
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP, Codec
from qcompress.detectors.hgcal.evaluation.events import Modules
from qcompress.detectors.hgcal.evaluation.learned import Learned
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.samples import Columns
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format, Overflow, Values
from qcompress.graph import Graph

OTHER, TRANSVERSE = "other-arithmetic", "encoder-transverse"
WEIGHTS_IN = "weights of the encoder in"
REFERENCES = ("normalised", "mean-image", "uniform")
"""Not the chip's: what the encoder itself can know, and codecs that send the module sum alone."""


class Received(NamedTuple):
    """What is known beside the latents: codes of the module sums (n,), existing cells (n, 48), the decoding's rules.

    conditions: (n, k) that the decoder takes behind the latents, None if it takes them alone.
    """

    sums: Codes
    cells: Mask
    rules: DecodingOptions
    conditions: npt.NDArray[np.float32] | None


def table(firmware: Firmware, decode: Decoders, learned: Learned | None) -> dict[str, Codec]:
    """The candidate, the chip's algorithms, the trivial codecs; learned: from training modules, None: without that.

    firmware: the candidate's integers; decode: has its decoder. The candidate in front of transverse charges is left
    out if its decoder takes conditions.
    """
    graph = firmware.graphs[ENCODER]
    chip, own = on_chip(graph), transverse(firmware)
    codecs = {ENCODER: Codec(ENCODER, partial(_behind_transverse if own else _autoencoder, firmware, decode), own)}
    if chip is not None:
        name, other = other_arithmetic(chip, graph.output_format.width)
        codecs[OTHER] = Codec(name, partial(_other_network, firmware, decode, other), own)
    if not own and not EncoderOptions.model_validate(firmware.options).conditional:  # its decoder was told other sums
        sees = partial(_behind_transverse, firmware, decode)
        codecs[TRANSVERSE] = Codec("encoder, transverse charges in front", sees)
    codecs |= CHIP
    if learned is not None:
        codecs |= learned.regressions.codecs()
    codecs["normalised"] = Codec("all trigger cells, normalised to 8 bits", partial(_normalised, firmware), own)
    if learned is not None:
        codecs["mean-image"] = Codec("mean image", partial(_same_image, firmware, learned.mean_image), own)
    codecs["uniform"] = Codec("uniform image", partial(_same_image, firmware, np.full(48, 1 / 48)), own)
    return codecs


def transverse(firmware: Firmware) -> bool:
    """Whether the candidate is for charges that each module's own registers made transverse."""
    return firmware.front_end.get(OF_MODULES) == "transverse"


def _calq(firmware: Firmware, modules: Modules) -> Codes:
    """CALQ (n, 48) in the order of the mux, as the candidate's encoder has it."""
    front_end = FrontEnd.from_mapping(firmware.front_end)
    return modules.calq[:, list(front_end.mux)] if transverse(firmware) else module_calq(front_end, modules.columns)


def images(firmware: Firmware, modules: Modules) -> Codes:
    """What the candidate's encoder sees of `modules`: normalised codes (n, 8, 8, 1)."""
    return normalise(_calq(firmware, modules))


def latents(firmware: Firmware, modules: Modules) -> Codes:
    """What the candidate's encoder makes of `modules`, (n, 16)."""
    if transverse(firmware):
        return firmware.run[ENCODER](images(firmware, modules))
    return firmware.network_codes(ENCODER, modules.columns["codes"].astype(np.int64))


def _autoencoder(firmware: Firmware, decode: Decoders, modules: Modules) -> Values:
    """The candidate: its whole chain on the modules' codes."""
    return _decoded(firmware, decode, latents(firmware, modules), firmware.graphs[ENCODER].output_format, modules)


def _other_network(firmware: Firmware, decode: Decoders, other: Graph, modules: Modules) -> Values:
    """No candidate, but another network between the candidate's own stages: its chain with another graph."""
    found = other.run(images(firmware, modules))
    return _decoded(firmware, decode, found, other.output_format, modules)


def _behind_transverse(firmware: Firmware, decode: Decoders, modules: Modules) -> Values:
    """The candidate's network behind the front ends of its modules, as physics would load CAL.

    Empty trigger cells, which count in the module sum, become 0 or 1.
    """
    calq = modules.calq[:, list(FrontEnd.from_mapping(firmware.front_end).mux)]
    found = firmware.run[ENCODER](normalise(calq))
    received = what_arrives(modules.columns, calq, EncoderOptions.model_validate(firmware.options))
    return in_channels(decode_latents(found, firmware.graphs[ENCODER].output_format, decode, received))


def _decoded(firmware: Firmware, decode: Decoders, found: Codes, format_: Format, modules: Modules) -> Values:
    """Latents of modules, whose sums are those of the candidate's front end -> charges (n, 48), channel order."""
    options = EncoderOptions.model_validate(firmware.options)
    received = what_arrives(modules.columns, _calq(firmware, modules), options)
    return in_channels(decode_latents(found, format_, decode, received))


def _normalised(firmware: Firmware, modules: Modules) -> Values:
    calq = _calq(firmware, modules)
    shares = geometry.image_to_train(normalise(calq)).astype(np.float64)
    received = what_arrives(modules.columns, calq, EncoderOptions.model_validate(firmware.options))
    return in_channels(charges(shares, received.sums, received.cells, received.rules))


def _same_image(firmware: Firmware, image: Values, modules: Modules) -> Values:
    sums = link_sums(_calq(firmware, modules))
    cells = module_cells(modules.columns)
    return in_channels(charges(np.tile(image, (len(sums), 1)), sums, cells, DecodingOptions()))


def in_channels(in_train_order: Values) -> Values:
    """Values (n, 48) that stand `in_train_order` -> the same in channel order."""
    return np.asarray(in_train_order[:, np.argsort(geometry.CHANNEL_OF_TRAIN)])


def what_arrives(columns: Columns, calq: Codes, options: EncoderOptions) -> Received:
    """What is known beside the latents of modules with these `columns` (n, ...) and calibrated charges, `calq` (n, 48).

    options: of the network; they say whether the decoder takes conditions.
    """
    sums = link_sums(calq)
    known = conditions(columns, sums_of_links(sums)) if options.conditional else None
    return Received(sums, module_cells(columns), options.decoding, known)


def decode_latents(latents: Codes, format_: Format, decode: Decoders, received: Received) -> Values:
    """The codes `latents` (n, 16) -> float decoder -> charges (n, 48) in ADC counts, train order.

    format_: of the latents; decode: has the decoder; received: what is known beside the latents.
    """
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
    """The weights of a `chip` in the arithmetic that the candidate does not have, and its name.

    bits: of each latent.
    """
    if chip.overflow is not None:
        return f"{WEIGHTS_IN} QKeras' arithmetic", exact_graph(chip.weights, bits)
    return f"{WEIGHTS_IN} the chip's arithmetic", deployed_graph(chip.weights, bits)
