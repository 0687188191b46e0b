"""Candidates that are verified and small."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qcompress.candidate import Candidate
from qcompress.files import file_hash, write_json
from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Node, Relu

DESCRIPTION = {"name": "a", "detector": None, "config": None, "seed": 0, "versions": {}, "front_end": {}, "targets": {}}
Make = Callable[..., Candidate]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A candidate of a graph of so many elements: compiled and verified, or with codes that differ."""

    def made(size: int = 3, mismatches: int = 0, verified: bool = True) -> Candidate:
        candidate = Candidate.create(tmp_path / f"candidate{size}{mismatches}{verified}", DESCRIPTION)
        graph = Graph("relu", (size,), Format(True, 5, 2), (Node("relu", Relu(), "input"),))
        with candidate.staged("compile") as stage:
            graph.save(stage / "graph" / "relu")
            (stage / "graph" / "noise.bin").write_bytes(np.random.default_rng(size).bytes(100_000))
            (stage / "graph" / "library.so").write_bytes(b"compiled here")
            digest = file_hash(stage / "graph" / "library.so")
            write_json(stage / "graph" / "emulator.machine", {"library": "library.so", "sha256": digest})
            figures = {"graph": graph.content_hash(), "weights": 0, "keras_is_body": False}
            candidate.record("compile", "x", stage, {"relu": figures})
        if verified:
            with candidate.staged("verify") as stage:
                found = {
                    "body": "cpp",
                    "inputs": "random",
                    "rows": 3,
                    "codes": 9,
                    "mismatches": mismatches,
                    "first": None,
                }
                candidate.record("verify", "x", stage, {"relu": [found]}, ("compile",))
        return candidate

    return made
