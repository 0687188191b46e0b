"""One full low- or high-density module: 48 trigger cells, their numberings, the encoder's image, their places.

Three numberings of the trigger cells (TC) of a module are in use. *Channel*: place in the chip's input words, first
TC of the first word first. *Train order*: three thirds (rhombi) of 16, as networks are trained (TC_Number of the
module's mapping). *AE order*: the pixels of the 8x8 image, row by row, that hold a TC; the chip's mux makes it.
"""

from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Values

Index = npt.NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)

TRIGGER_CELLS = 48
IMAGE_SHAPE = (8, 8, 1)

TRAIN_UV: Index = np.array(
    [
        *((7 - k % 4, 4 + k // 4) for k in range(16)),
        *((1 + k // 4 + k % 4, k % 4) for k in range(16)),
        *((3 - k // 4, 6 - k // 4 - k % 4) for k in range(16)),
    ]
)
"""(u, v) of each TC on the module's hexagonal lattice, in train order."""

CHANNEL_OF_TRAIN: Index = np.array(
    [
        *(29, 28, 27, 26, 30, 31, 25, 24, 22, 21, 18, 16, 23, 20, 19, 17),
        *(15, 12, 11, 10, 14, 13, 8, 9, 6, 5, 2, 0, 7, 4, 3, 1),
        *(44, 43, 42, 41, 47, 45, 40, 32, 46, 39, 35, 33, 38, 37, 36, 34),
    ]
)
"""Channel of each TC in train order: the wiring of a low-density module (ECON_TC_Number_PreMux of its mapping)."""

STC_OF_TRAIN: Index = np.array(
    [
        *(31, 30, 27, 26, 28, 29, 24, 25, 19, 18, 23, 22, 16, 17, 20, 21),
        *(15, 14, 11, 10, 12, 13, 8, 9, 3, 2, 7, 6, 0, 1, 4, 5),
        *(47, 46, 43, 42, 44, 45, 40, 41, 35, 34, 39, 38, 32, 33, 36, 37),
    ]
)
"""Place of each TC in the order in which 4 (or 16) consecutive ones form a super trigger cell, in train order
(ECON_TC_Number_PostMux of the module's mapping)."""

STC_CHANNEL: Index = CHANNEL_OF_TRAIN[np.argsort(STC_OF_TRAIN)]
"""Channel of each place in that order: what the mux registers hold for super trigger cells."""

IMAGE_TRAIN: Index = np.array(
    [
        *([*range(28 - 4 * row, 32 - 4 * row), *range(row, 16, 4)] for row in range(4)),
        *([*range(47 - row, 32 - 1, -4), -1, -1, -1, -1] for row in range(4)),
    ]
)
"""(8, 8): the TC (train order) of each pixel, -1 where there is none."""

AE_TRAIN: Index = IMAGE_TRAIN[IMAGE_TRAIN >= 0]
"""Train order of each AE position."""

AE_CHANNEL: Index = CHANNEL_OF_TRAIN[AE_TRAIN]
"""Channel of each AE position: what the mux registers hold."""

TRAIN_PIXEL: Index = np.array([int(np.flatnonzero(IMAGE_TRAIN.ravel() == k)[0]) for k in range(TRIGGER_CELLS)])
"""Pixel (0..63, row by row) of each TC in train order."""

TC_PITCH_CM = 2.40237
"""Distance of neighbouring TC centres within a third (public TC positions of a full module)."""

FIELD_HALF_PITCH_CM = 1.2084
"""The unit of distance in which the field quotes EMD: half a TC pitch."""


def channels_to_train(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The `values` (n, 48) in channel order -> (n, 48) in train order."""
    return values[:, CHANNEL_OF_TRAIN]


def ae_to_train(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The `values` (n, 48) in AE order -> (n, 48) in train order."""
    return values[:, np.argsort(AE_TRAIN)]


def image_to_train(images: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The `images` (n, 8, 8, 1) -> (n, 48) in train order; pixels without a TC are left out."""
    return images.reshape(len(images), -1)[:, TRAIN_PIXEL]


@cache
def tc_xy() -> Values:
    """Centres (48, 2) in cm, train order, in the module's frame; the mean of all centres is the origin.

    Within a third, y grows by one pitch with u and falls by half a pitch with v, x falls by cos 30 deg of a pitch with
    v. The thirds are turned by 120 deg into each other about the centre, which fixes their origins: 31/9, 31/9, 28/9
    pitches (times cos 30 deg) in x, and 11/6, 13/6, 2 pitches in y.
    """
    third = np.arange(TRIGGER_CELLS) // 16
    u, v = TRAIN_UV.T
    x = TC_PITCH_CM * np.cos(np.pi / 6) * (np.array([31 / 9, 31 / 9, 28 / 9])[third] - v)
    y = TC_PITCH_CM * (u - v / 2 - np.array([11 / 6, 13 / 6, 2])[third])
    return np.column_stack([x, y])


@cache
def tc_xy_channels() -> Values:
    """The same centres (48, 2) in cm, channel order."""
    return np.asarray(tc_xy()[np.argsort(CHANNEL_OF_TRAIN)])


@cache
def tc_sides() -> Values:
    """Sides (48, 2, 2) in cm of the trigger cells' rhombi, train order: steps to the next cell and to the next four."""
    sides = np.empty((TRIGGER_CELLS, 2, 2))
    for first in (0, 16, 32):
        sides[first : first + 16] = tc_xy()[[first + 1, first + 4]] - tc_xy()[first]
    return sides


@cache
def tc_corners() -> Values:
    """Corners (48, 4, 2) in cm of the trigger cells, train order."""
    along, across = (side[:, None] for side in np.moveaxis(tc_sides() / 2, 1, 0))
    corners = np.concatenate([along + across, along - across, -along - across, across - along], axis=1)
    return np.asarray(tc_xy()[:, None] + corners)


@cache
def emd_cost() -> Values:
    """(48, 48): distances of TC centres in units of half the field's TC pitch."""
    difference = tc_xy()[:, None] - tc_xy()[None]
    return np.asarray(np.hypot(difference[..., 0], difference[..., 1]) / FIELD_HALF_PITCH_CM)
