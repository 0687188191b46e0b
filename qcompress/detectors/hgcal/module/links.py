"""How many links (elinks of ECON-T, 32 bits each bunch crossing) a module has: two allocations by name.

`by-radius`, by plane and radius, is read off a public list of a newer geometry's modules (V16: trigger planes 1, 3, ..
25 and 27 to 47): the most frequent `trigLinks` of its full modules in rings of 10 cm. Layers of V11 take the plane of
the same place in the stack: layer 27 that of plane 25, layers of CE-H that of two planes less. A cut module gets what a
full one at its place would.

`signal-driven`, by layer alone, is that of cms-data/L1Trigger-L1THGCal for V11, with which the published figures of
clusters were made.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.module import layers, wafers

Index = npt.NDArray[np.int64]

FIRST_RING_CM, RING_CM = 40.0, 10.0

BY_PLANE = (
    (1, (8, 6, 5, 4, 3, 3, 3, 3, 2, 2)),
    (3, (11, 7, 7, 5, 5, 4, 4, 3, 3, 3)),
    (5, (10, 7, 7, 5, 4, 4, 4, 3, 3, 3)),
    (7, (9, 6, 6, 4, 4, 4, 4, 4, 3, 3)),
    (9, (8, 5, 5, 4, 4, 4, 4, 4, 3, 2)),
    (11, (6, 4, 4, 4, 4, 4, 4, 4, 3, 2)),
    (13, (5, 4, 4, 4, 4, 4, 4, 4, 3, 2)),
    (17, (4, 3, 3, 2, 2, 2, 2, 2, 2, 2)),
    (25, (3, 2, 2, 2, 2, 2, 2, 2, 2, 2)),
    (33, (5, 5, 5, 4, 2, 2, 2, 2, 2, 2)),
    (47, (2, 2, 2, 2, 2, 2, 2, 2, 2, 2)),
)
"""(last plane, links in each ring outwards); the first ring reaches to the beam, the last one to the edge."""


def plane(layer: npt.ArrayLike) -> Index:
    """The trigger plane of V16 that stands for a layer of V11."""
    number = layers.check_layers(layer)
    return np.where(number <= layers.CE_E_LAYERS, np.minimum(number, 25), np.minimum(number - 2, 47))


def by_plane(number: npt.ArrayLike, radius_cm: npt.ArrayLike) -> Index:
    """Links (n,) of modules with centres at radius_cm (n,), in the trigger planes with this `number` (n,) in V16."""
    last, links = (np.array(column) for column in zip(*BY_PLANE, strict=True))
    ring = (np.asarray(radius_cm, np.float64) - FIRST_RING_CM) // RING_CM
    return np.asarray(links[np.searchsorted(last, number), np.clip(ring, 0, links.shape[1] - 1).astype(np.int64)])


def links(layer: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> Index:
    """Links (n,) of modules of V11 at `layer`, `u`, `v` (n,); raises QcompressError for a layer outside 1 to 50."""
    return by_plane(plane(layer), np.hypot(*np.moveaxis(wafers.centre_cm(layer, u, v), -1, 0)))


SIGNAL_DRIVEN = {7: 4, 9: 5, 11: 4, 13: 3}
"""Links of all modules of a layer; two in all others."""


def signal_driven(layer: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> Index:
    """Links (n,) of modules of V11 at `layer` (n,), wherever they are; raises QcompressError for a layer outside."""
    number = layers.check_layers(layer)
    found = np.full(number.shape, 2, np.int64)
    for own, count in SIGNAL_DRIVEN.items():
        found[number == own] = count
    return found


ALLOCATIONS: Mapping[str, Callable[[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike], Index]] = {
    "by-radius": links,
    "signal-driven": signal_driven,
}
"""Links of modules at layer, u, v, (n,) each, by the name of an allocation."""
