"""The chip's register files (init.yaml), of both generations, read and written.

Generation "msb": block `ConfigAlgo`, `active_etxs` is a bit mask. Generation "lsb": block `Algorithm`,
`active_etxs` is a count. Blocks that a file lacks take the chip's defaults where these are known.
"""

import enum
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from qcompress.detectors.hgcal.econt.frames import OUTPUT_LINKS
from qcompress.detectors.hgcal.econt.frontend import MAX_DROP, FrontEnd
from qcompress.detectors.hgcal.econt.numbers import CALIBRATION_MAX, CALIBRATION_ONE, TRIGGER_CELLS, Density
from qcompress.detectors.hgcal.econt.weights import BLOCKS, EncoderWeights
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.yaml_files import read_yaml

LATENT_BITS = 144
KEEP_ALL = (1 << LATENT_BITS) - 1
IDLE_PATTERN = 290
DROP_MAX = 7
THRESHOLD_MAX = (1 << 22) - 1
"""Calibrated charges have 22 bits."""
BUFFER_MAX = (1 << 16) - 1
"""The widths of buff_t1..3 are not published; a frame has at most 25 words."""
BYTES = (*range(0, 128, 16), 128)
"""`weights_byteN` holds the bits from 8N on of its block: 128 bits each, the last one 48."""


class Algorithm(enum.IntEnum):
    """Register `select` / `alg_type`."""

    THRESHOLD_SUM = 0
    SUPER_TRIGGER_CELL = 1
    BEST_CHOICE = 2
    REPEATER = 3
    AUTOENCODER = 4


NEEDED = {
    Algorithm.THRESHOLD_SUM: ("thresholds", "buffer"),
    Algorithm.SUPER_TRIGGER_CELL: ("stc_type",),
    Algorithm.AUTOENCODER: ("weights",),
}
"""What an algorithm cannot do without, besides links."""
KEYS = {
    "thresholds": "AlgoThreshold",
    "buffer": "FormatterBuffer.Global buff_t1, buff_t2, buff_t3",
    "stc_type": "FormatterBuffer.Global.stc_type",
    "weights": "Encoder",
}
"""Where the register file has it."""
Value = TypeVar("Value")


def required(value: Value | None, key: str) -> Value:
    """The `value` of a register; raises QcompressError naming its `key` if it is None."""
    if value is None:
        raise QcompressError(f"registers: {key} is missing")
    return value


@dataclass(frozen=True)
class Registers:
    """What a register file says.

    links: active output links, None if the file leaves it to the caller; thresholds: CALQ per TC after the mux, 0
    selects nothing; buffer: T1, T2, T3 of the threshold sum in 16-bit words; stc_type 0..3; use_sum: the sum runs over
    all TCs; link_reset_pattern: the lower 11 bits of idle words; keep_mask: which of the 144 latent bits are sent,
    the first one the most significant.
    """

    algorithm: Algorithm
    front_end: FrontEnd
    links: int | None = None
    thresholds: tuple[int, ...] | None = None
    buffer: tuple[int, int, int] | None = None
    stc_type: int | None = None
    use_sum: bool = False
    link_reset_pattern: int = IDLE_PATTERN
    keep_mask: int = KEEP_ALL
    weights: EncoderWeights | None = None

    def __post_init__(self) -> None:
        what = "registers"
        if self.links is not None:
            _integer(self.links, 1, OUTPUT_LINKS, f"{what}: links")
        if self.thresholds is not None:
            _check_cells(self.thresholds, THRESHOLD_MAX, f"{what}: thresholds")
        if self.buffer is not None:
            for name, value in zip(("T1", "T2", "T3"), self.buffer, strict=True):
                _integer(value, 0, BUFFER_MAX, f"{what}: {name}")
        if self.stc_type is not None:
            _integer(self.stc_type, 0, 3, f"{what}: stc_type")
        _integer(self.link_reset_pattern, 0, 2047, f"{what}: link_reset_pattern")
        _integer(self.keep_mask, 0, KEEP_ALL, f"{what}: keep_mask")

    def with_links(self, etx: int | None) -> "Registers":
        """The same with `etx` active links (None: as the file says); checks that the algorithm has what it needs."""
        links = etx if etx is not None else self.links
        if links is None and self.algorithm is Algorithm.REPEATER:
            links = OUTPUT_LINKS
        if links is None:
            raise QcompressError("registers: no active_etxs (FormatterBuffer); say the number of links (etx)")
        if self.algorithm is Algorithm.REPEATER and links != OUTPUT_LINKS:
            raise QcompressError(f"registers: the repeater needs all {OUTPUT_LINKS} links, active are {links}")
        for name in NEEDED.get(self.algorithm, ()):
            if getattr(self, name) is None:
                raise QcompressError(f"registers: {self.algorithm.name.lower()} needs {KEYS[name]}, which is missing")
        return replace(self, links=links)

    @property
    def active_links(self) -> int:
        """The number of active links; raises QcompressError if the registers leave it open."""
        return required(self.links, "FormatterBuffer.Global.active_etxs")

    def with_tc_order(self, tc_order: str | None) -> "Registers":
        """The same with another `tc_order` in the input words, msb or lsb (None: as the file's generation has it)."""
        return self if tc_order is None else replace(self, front_end=replace(self.front_end, tc_order=tc_order))


def keep_mask_for_links(links: int) -> int:
    """The mask that keeps the upper bits of every latent: 1, 3, 5, 7, 9 of its 9 on 1, 2, 3, 4, 5 and more links."""
    bits = latent_capacity(links) // 16
    kept = ((1 << bits) - 1) << (9 - bits)
    return sum(kept << (9 * latent) for latent in range(16))


def latent_capacity(links: int) -> int:
    """Latent bits that an autoencoder's frame has room for: 18 on one of `links`, 32 more with each, at most 146."""
    return min(18 + 32 * (links - 1), 146)


def weights_from_registers(registers: Registers) -> EncoderWeights:
    """The encoder's weights as a chip with these `registers` reads them; raises QcompressError if there are none."""
    return required(registers.weights, KEYS["weights"])


def registers_from_weights(weights: EncoderWeights, front_end: FrontEnd, links: int) -> Registers:
    """Registers that run the autoencoder with these weights on `links` links, the latent's upper bits kept.

    front_end: what the chip does before. Raises QcompressError unless there are 1 to 13 links.
    """
    mask = keep_mask_for_links(_integer(links, 1, OUTPUT_LINKS, "registers: links"))
    return Registers(Algorithm.AUTOENCODER, front_end, links=links, keep_mask=mask, weights=weights)


def read_registers(path: str | os.PathLike[str]) -> Registers:
    """Read the init.yaml of either generation at `path`; raises QcompressError naming file and key."""
    file = Path(path)
    content = _Block(str(file), read_yaml(file)[0])
    old = content.has("ConfigAlgo")
    if old == content.has("Algorithm"):
        raise QcompressError(f"{file}: needs exactly one of the blocks ConfigAlgo and Algorithm")
    algorithm, density = _algorithm(content, old)
    formatter = _only_global(content.block("FormatterBuffer")) if content.has("FormatterBuffer") else _Block("", {})
    registers = Registers(
        algorithm=algorithm,
        front_end=FrontEnd(
            density=density,
            drop=_drop(content, density),
            calibration=_cells(content, "Cal", CALIBRATION_MAX) or (CALIBRATION_ONE,) * TRIGGER_CELLS,
            mux=_required_mux(content),
            tc_order="msb" if old else "lsb",
        ),
        links=_links(formatter, old),
        thresholds=_cells(content, "AlgoThreshold", THRESHOLD_MAX),
        buffer=_buffer(formatter),
        stc_type=formatter.integer("stc_type", 3, None),
        use_sum=formatter.integer("use_sum", 1, 0) == 1,
        link_reset_pattern=formatter.integer("link_reset_pattern", 2047, IDLE_PATTERN) or 0,
        keep_mask=_keep_mask(formatter),
        weights=_weights(content),
    )
    formatter.finish()
    content.finish()
    return registers


def write_registers(registers: Registers, path: str | os.PathLike[str]) -> None:
    """Write `registers` to `path`, an init.yaml that `read_registers` reads back; whole or not at all.

    The generation is that of the front end's tc_order.
    """
    with written_aside(Path(path)) as file:
        file.write(yaml.safe_dump(_to_yaml(registers), sort_keys=False).encode())


def _to_yaml(registers: Registers) -> dict[str, Any]:
    front = registers.front_end
    old = front.tc_order == "msb"
    formatter: dict[str, int] = {}
    if registers.links is not None:
        formatter["active_etxs"] = (1 << registers.links) - 1 if old else registers.links
    if registers.buffer is not None:
        formatter |= dict(zip(("buff_t1", "buff_t2", "buff_t3"), registers.buffer, strict=True))
    if registers.stc_type is not None:
        formatter["stc_type"] = registers.stc_type
    formatter |= {
        "link_reset_pattern": registers.link_reset_pattern,
        "use_sum": int(registers.use_sum),
        "mask_ae": registers.keep_mask & ((1 << 128) - 1),
        "mask_ae2": registers.keep_mask >> 128,
    }
    high, select = int(front.density is Density.HD), int(registers.algorithm)
    content: dict[str, Any] = {"AlgoDroplsb": {"Global": {"drop_lsb": front.drop} if old else front.drop}}
    if old:
        content["ConfigAlgo"] = {"Global": {"alg_high_density": high, "alg_type": select}}
    else:
        content["Algorithm"] = {"Global": {"density": high, "select": select}}
    if registers.thresholds is not None:
        content["AlgoThreshold"] = dict(enumerate(registers.thresholds))
    content |= {
        "Cal": dict(enumerate(front.calibration)),
        "Mux": dict(enumerate(front.mux)),
        "FormatterBuffer": {"Global": formatter},
    }
    if registers.weights is not None:
        content["Encoder"] = {number: _split(block) for number, block in enumerate(registers.weights.to_blocks())}
    return content


def _split(block: int) -> dict[str, int]:
    return {f"weights_byte{byte}": block >> (8 * byte) & ((1 << _register_bits(byte)) - 1) for byte in BYTES}


def _register_bits(byte: int) -> int:
    return 48 if byte == BYTES[-1] else 128


class _Block:
    """A mapping of the file, its keys taken one by one; what is left over at the end is refused by name."""

    def __init__(self, name: str, content: Any) -> None:
        self.name = name
        if not isinstance(content, Mapping):
            raise QcompressError(f"{name}: is no block of registers")
        self.left = dict(content)

    def has(self, key: Any) -> bool:
        return key in self.left

    def take(self, key: Any) -> Any:
        if key not in self.left:
            raise QcompressError(f"{self.name}: {key} is missing")
        return self.left.pop(key)

    def block(self, key: Any) -> "_Block":
        """A block inside; it is refused here if it holds more than what is asked of it, see `finish`."""
        return _Block(f"{self.name}: {key}", self.take(key))

    def integer(self, key: Any, largest: int, default: int | None) -> int | None:
        """The integer 0..largest under `key`, `default` without one."""
        if key not in self.left:
            return default
        return _integer(self.take(key), 0, largest, f"{self.name}: {key}")

    def required(self, key: Any, largest: int) -> int:
        return _integer(self.take(key), 0, largest, f"{self.name}: {key}")

    def finish(self) -> None:
        if self.left:
            raise QcompressError(f"{self.name}: {next(iter(self.left))!r} is no register of the chip known here")


def _integer(value: Any, smallest: int, largest: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= largest:
        shown = " ".join(repr(value).split())[:40]
        raise QcompressError(f"{what} is {shown}, allowed is {smallest}..{largest}")
    return value


def _check_cells(values: tuple[int, ...], largest: int, what: str) -> None:
    if len(values) != TRIGGER_CELLS:
        raise QcompressError(f"{what} has {len(values)} entries, the chip has {TRIGGER_CELLS}")
    for cell, value in enumerate(values):
        _integer(value, 0, largest, f"{what}[{cell}]")


def _only_global(block: _Block) -> _Block:
    inner = block.block("Global")
    block.finish()
    return inner


def _algorithm(content: _Block, old: bool) -> tuple[Algorithm, Density]:
    name, high, select = ("ConfigAlgo", "alg_high_density", "alg_type") if old else ("Algorithm", "density", "select")
    settings = _only_global(content.block(name))
    density = Density.HD if settings.required(high, 1) else Density.LD
    algorithm = Algorithm(settings.required(select, max(Algorithm)))
    settings.finish()
    return algorithm, density


def _drop(content: _Block, density: Density) -> int:
    if not content.has("AlgoDroplsb"):
        return int(density)
    block = content.block("AlgoDroplsb")
    if isinstance(block.left.get("Global"), Mapping):
        inner = _only_global(block)
        value = inner.required("drop_lsb", DROP_MAX)
        inner.finish()
    else:
        value = block.required("Global", DROP_MAX)
        block.finish()
    return value if value <= MAX_DROP else 0


def _cells(content: _Block, key: str, largest: int) -> tuple[int, ...] | None:
    if not content.has(key):
        return None
    block = content.block(key)
    values = tuple(block.required(cell, largest) for cell in range(TRIGGER_CELLS))
    block.finish()
    return values


def _required_mux(content: _Block) -> tuple[int, ...]:
    mux = _cells(content, "Mux", TRIGGER_CELLS - 1)
    if mux is None:
        raise QcompressError(f"{content.name}: Mux is missing; it has no default")
    return mux


def _links(formatter: _Block, old: bool) -> int | None:
    if not formatter.has("active_etxs"):
        return None
    name = f"{formatter.name}: active_etxs"
    value = formatter.take("active_etxs")
    if not old:
        return _integer(value, 1, OUTPUT_LINKS, name)
    mask = _integer(value, 1, (1 << OUTPUT_LINKS) - 1, name)
    if mask & (mask + 1):
        raise QcompressError(f"{name} is {mask:#x}: only masks of the first links (0x1, 0x3, 0x7, ..) are supported")
    return mask.bit_length()


def _buffer(formatter: _Block) -> tuple[int, int, int] | None:
    names = ("buff_t1", "buff_t2", "buff_t3")
    if not any(formatter.has(name) for name in names):
        return None
    t1, t2, t3 = (formatter.required(name, BUFFER_MAX) for name in names)
    return t1, t2, t3


def _keep_mask(formatter: _Block) -> int:
    halves, whole = ("mask_ae", "mask_ae2"), "keep_auto_encoder_bits"
    split = any(formatter.has(half) for half in halves)
    if formatter.has(whole):
        if split:
            raise QcompressError(f"{formatter.name}: give either {whole} or mask_ae and mask_ae2")
        return formatter.required(whole, KEEP_ALL)
    if not split:
        return KEEP_ALL
    low, high = formatter.required("mask_ae", (1 << 128) - 1), formatter.required("mask_ae2", (1 << 16) - 1)
    return high << 128 | low


def _weights(content: _Block) -> EncoderWeights | None:
    if not content.has("Encoder"):
        return None
    encoder = content.block("Encoder")
    blocks = []
    for number in range(BLOCKS):
        block = encoder.block(number)
        parts = (block.required(f"weights_byte{byte}", (1 << _register_bits(byte)) - 1) << 8 * byte for byte in BYTES)
        blocks.append(sum(parts))
        block.finish()
    encoder.finish()
    return EncoderWeights.from_blocks(blocks)
