"""From a candidate in the chip's arithmetic to the chip's registers, and what it does there when it overflows."""

from pathlib import Path

from qcompress.detectors import Firmware
from qcompress.detectors.hgcal.econt.frontend import FrontEnd, normalised_cells
from qcompress.detectors.hgcal.econt.onchip_encoder import OverflowReport, overflow_report
from qcompress.detectors.hgcal.econt.registers import (
    Registers,
    latent_capacity,
    registers_from_weights,
    weights_from_registers,
)
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.detectors.hgcal.encoder.arithmetic import deployed_graph
from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Overflow

MODES = (Overflow.WRAP, Overflow.SAT)


def firmware_registers(firmware: Firmware, links: int | None) -> tuple[Registers, Overflow]:
    """Registers that load the encoder of a candidate's `firmware`, and the overflow mode its graph assumes.

    links: None for as many as the latents need. Raises Refused unless the graph is exactly what the chip computes,
    QcompressError for too few links.
    """
    (graph,) = firmware.graphs.values()
    weights, bits = EncoderWeights.from_graph(graph), graph.output_format.width
    fitting = [mode for mode in MODES if deployed_graph(weights, bits, mode).content_hash() == graph.content_hash()]
    if not fitting:
        raise Refused(
            "this candidate rounds exact sums, the chip floors every product: its latents would differ; "
            "train it with arithmetic: econt"
        )
    needed = next(n for n in range(1, 14) if latent_capacity(n) >= 16 * bits)
    if links is not None and links < needed:
        raise QcompressError(f"--etx {links}: 16 latents of {bits} bits need {needed} links")
    registers = registers_from_weights(weights, FrontEnd.from_mapping(firmware.front_end), links or needed)
    return registers, fitting[0]


def overflow_lines(registers: Registers, overflow: Overflow, words: Path | None) -> list[str]:
    """What can overflow with these `registers`, by exact ranges, and what does on input words; one sentence a line.

    overflow: the mode, WRAP or SAT; words: CSV of input words, None for the ranges alone.
    """
    front = registers.front_end
    parts = () if words is None else read_words(words, tc_order=front.tc_order)
    cells = (normalised_cells(front.charges(part.codes)) for part in parts)
    report = overflow_report(weights_from_registers(registers), cells, overflow)
    lines = [
        f"{len(report.activations)} of 128 activations and {len(report.latents)} of 16 latents can overflow "
        f"({overflow})"
    ]
    lines += [f"latent {neuron}: largest sum {report.largest_sums[neuron]} of 511" for neuron in report.latents]
    return lines if words is None else [*lines, _rows_line(report)]


def _rows_line(report: OverflowReport) -> str:
    return (
        f"of {report.rows} rows {report.activation_rows} overflow in an activation (largest "
        f"{report.largest_activation} of 255), {report.latent_rows} in a latent (largest {report.largest_latent} of "
        "511)"
    )
