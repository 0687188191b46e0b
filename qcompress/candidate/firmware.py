"""A candidate as integers that run on this machine."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qcompress.candidate.contents import Contents
from qcompress.candidate.emulation import Emulation
from qcompress.detectors import Firmware, Running
from qcompress.errors import QcompressError, QcompressWarning, ToolMissing
from qcompress.fixedpoint import Codes
from qcompress.graph import Chain, Graph, Tensors
from qcompress.targets import recalled

if TYPE_CHECKING:
    from qcompress.targets.cpp.emulator import Cpp, CppBody

Run = Callable[[Codes], Codes]
"""Codes of a stage (n, *input shape) -> its codes (n, *output shape)."""


class Candidate(Contents):
    """One firmware candidate on disk."""

    def firmware(self) -> Firmware:
        """The candidate as integers: front-end registers, graphs, and the fastest body at hand of each chain."""
        graphs = self.graphs()
        bodies = {name: self._fastest(name, graph) for name, graph in graphs.items()}
        chains = {name: self._running(name, graphs, bodies) for name in graphs}
        options = (self.manifest["config"] or {}).get("network", {})
        return Firmware(self.manifest["front_end"], graphs, chains, bodies, options)

    def emulator(self) -> "Cpp":
        """The C++ target with the settings that the candidate was built with."""
        from qcompress.targets.cpp.emulator import TARGET, Cpp

        told = (self.manifest["targets"] or {}).get(TARGET.name)
        target = TARGET if told is None else recalled(told).target
        return target if isinstance(target, Cpp) else TARGET

    def emulation(self, network: str | None = None, stages: bool = False, threads: int = 0) -> Emulation:
        """One network's emulator, or that of all integer stages around it: arrays by name in, arrays by name out.

        network: which, may be left out where there is one; stages: whether the detector's stages belong to it; threads:
        that share the rows, 0 for as many as there are processors. Raises QcompressError if there is no such network or
        the candidate is not compiled.
        """
        stage, folder = self.compiled_stage(network, stages)
        body = self._compiled(folder, stage)
        return Emulation(stage, None if body is None else replace(body, threads=threads))

    def compiled_stage(self, network: str | None = None, stages: bool = False) -> tuple[Graph | Chain, Path]:
        """What an emulator computes, and the folder in which it is built; arguments as `emulation`.

        Raises QcompressError if there is no such network.
        """
        graphs = self.graphs()
        name = next(iter(graphs)) if network is None else network
        if name not in graphs or (network is None and len(graphs) > 1):
            raise QcompressError(f"{self.folder}: give one of its networks: {', '.join(graphs)}")
        if stages:
            return self.chain(name, graphs), self.folder / "emulator" / name
        return graphs[name], self.folder / "cpp" / name

    def _compiled(self, folder: Path, stage: Graph | Chain) -> "CppBody | None":
        """The C++ emulator in a folder of the candidate; None if it was not built or, said in a warning, cannot run."""
        try:
            return self._opened(folder, stage)
        except QcompressError as fault:  # of an older version
            _interpreted(folder, str(fault))
            return None

    def _opened(self, folder: Path, stage: Graph | Chain) -> "CppBody | None":
        """As `_compiled`; raises QcompressError for an emulator that is not one of stage."""
        if not folder.is_dir():
            return None
        try:
            return self.emulator().open(stage, folder)
        except ToolMissing as fault:  # made elsewhere, and nothing can be compiled here
            remedy = "" if self.emulator().machine == "portable" else ", or build it with machine: portable"
            _interpreted(folder, f"no library there is for this machine, and {fault}{remedy}")
        except OSError as fault:
            _interpreted(folder, f"its library cannot be compiled there: {fault.strerror}")
        return None

    def _running(self, name: str, graphs: Mapping[str, Graph], bodies: Mapping[str, Run]) -> Running:
        """A whole chain: the emulator of all stages if it was built and runs here, else stage by stage."""
        chain = self.chain(name, graphs)
        own = {stage.name: bodies[own] for stage in chain.stages for own, graph in graphs.items() if stage is graph}
        compute: Callable[[Codes], Tensors] = partial(_stage_by_stage, chain, own)
        if body := self._compiled(self.folder / "emulator" / name, chain):
            compute = body.run
        return Running(chain, compute)

    def _fastest(self, name: str, graph: Graph) -> Run:
        """The C++ emulator if it was built and runs on this machine, else the reference interpreter: the same codes."""
        body = self._opened(self.folder / "cpp" / name, graph)
        return graph.run if body is None else body.run


def _interpreted(folder: Path, reason: str) -> None:
    """Say that the C++ emulator of folder is not used, and why."""
    said = (
        f"{folder}: the C++ emulator does not run here ({reason}); the reference interpreter computes its codes, slower"
    )
    warnings.warn(said, QcompressWarning, stacklevel=2)


def _stage_by_stage(chain: Chain, bodies: Mapping[str, Run], codes: Codes) -> dict[str, Codes]:
    """The codes of a chain's outputs, each stage by its own reference, or by a body of the stage of that name."""
    made = {}
    for stage in chain.stages:
        codes = made[stage.name] = np.asarray(bodies.get(stage.name, stage.run)(codes), np.int64)
    return {name: made[name] for name in chain.outputs}
