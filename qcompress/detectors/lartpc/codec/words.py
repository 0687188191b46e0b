"""Latents of a wire as a string of bits, in words of short length for small ones.

A wire: its pedestal at the first tick in 16 bits, then its windows: `0` where all latents are 0, else `1` and a word
for each latent. A latent z is first made u = 2 z - 1 for z > 0, -2 z else, then written as an exponential Golomb word
of an order k: of u + 2^k in binary, n bits, behind n - k - 1 zeros. What is left of the last byte is 0.
"""

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
HEADER_BITS = 16
LONGEST = 48
"""Bits of a word of a latent of 16 bits, and more."""


def encode(latents: Integers, pedestals: Integers, order: int) -> tuple[Bytes, Integers]:
    """Bytes of all wires of `latents` (wires, windows, latents), and the bits of each wire (wires,).

    pedestals (wires,): 0 to 65535; order: of the words. Every wire begins at a byte.
    """
    from qcompress.detectors.lartpc.codec import kernels

    wires, windows, count = latents.shape
    room = np.empty((HEADER_BITS + windows * (1 + LONGEST * count)) // 8 + 1, np.uint8)
    pieces, bits = [], np.empty(wires, np.int64)
    for wire, (own, pedestal) in enumerate(zip(latents, pedestals, strict=True)):
        bits[wire] = kernels.encode(np.ascontiguousarray(own, np.int64), pedestal, order, room)
        pieces.append(room[: -(-bits[wire] // 8)].copy())
    return np.concatenate(pieces) if pieces else room[:0], bits


def decode(data: Bytes, bits: Integers, order: int, windows: int, count: int) -> tuple[Integers, Integers]:
    """Latents (wires, windows, count) and pedestals (wires,) of what `encode` gave: `data` bytes, `bits` of each wire.

    Raises QcompressError where they do not hold so many.
    """
    from qcompress.detectors.lartpc.codec import kernels

    starts = np.concatenate([[0], np.cumsum(-(-bits // 8))])
    if starts[-1] != len(data):
        raise QcompressError(f"{len(data)} bytes, but wires of {starts[-1]}; they are cut, or of others")
    latents, pedestals = np.empty((len(bits), windows, count), np.int64), np.empty(len(bits), np.int64)
    for wire, own in enumerate(latents):
        part = data[starts[wire] : starts[wire + 1]]
        if kernels.decode(part, int(bits[wire]), order, own, pedestals[wire : wire + 1]) != bits[wire]:
            raise QcompressError(f"wire {wire}: its {bits[wire]} bits do not hold {windows} windows of {count} latents")
    return latents, pedestals
