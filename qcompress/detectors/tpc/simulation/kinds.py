"""Names of what is simulated: `sector-20pc` has 20 % of its cells read, newest version; `sector-20pc-v1` another."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from qcompress.detectors.tpc.simulation.parameters import NEWEST, VERSIONS, Parameters
from qcompress.errors import QcompressError

KINDS = tuple(f"sector-{percent}pc" for percent in (5, 10, 20, 30, 40))
LEAST: Mapping[int, float] = MappingProxyType({1: 0.02, 2: 0.05})
"""Smallest occupancy of each version: noise alone reads .2 % of the cells in the first and 2.7 % in the second."""
MOST = 0.40
_NAME = re.compile(r"sector-(\d+(?:\.\d+)?)pc(?:-v(\d+))?")


class Kind(NamedTuple):
    """Share of the cells that are read, and the version of the simulation."""

    occupancy: float
    version: int

    @classmethod
    def parse(cls, name: str) -> "Kind":
        """The kind of that `name`; raises QcompressError if there is none."""
        given = _NAME.fullmatch(name)
        if given is None:
            raise QcompressError(
                f"sample {name!r} is not known; simulate one of {', '.join(KINDS)}, or another occupancy from 5 to 40 %"
            )
        version = NEWEST if given[2] is None else int(given[2])
        if version not in VERSIONS:
            known = " or ".join(f"-v{number}" for number in VERSIONS)
            raise QcompressError(f"sample {name!r}: no such version of the simulation; end it with {known}")
        occupancy = float(given[1]) / 100
        if not LEAST[version] - 1e-9 <= occupancy <= MOST + 1e-9:
            ends = f"{100 * LEAST[version]:g} to {100 * MOST:g} %"
            raise QcompressError(f"sample {name!r} is not known; version {version} of the simulation has {ends}{OLDER}")
        return cls(occupancy, version)

    @property
    def parameters(self) -> Parameters:
        """The numbers of its version."""
        return VERSIONS[self.version]


OLDER = f"; version 1 from {100 * LEAST[1]:g} %: --sample sector-2pc-v1"


def kind_of(occupancy: float) -> str:
    """The kind with that occupancy, newest version; raises QcompressError if none can be simulated."""
    if not LEAST[NEWEST] <= occupancy <= MOST:
        raise QcompressError(f"occupancy {occupancy:g}: give {LEAST[NEWEST]:g} to {MOST:g}{OLDER}")
    return f"sector-{100 * occupancy:g}pc"
