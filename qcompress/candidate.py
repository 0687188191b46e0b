"""The candidate folder: manifest, steps with the hashes of what they were made from, files that appear whole.

Reading and emulating a candidate needs NumPy only; the folder can be copied anywhere.
"""

import contextlib
import fcntl
import glob
import hashlib
import itertools
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors import Detector, Firmware, Running, load_detector
from qcompress.errors import QcompressError, ToolMissing
from qcompress.files import written_aside
from qcompress.fixedpoint import Codes
from qcompress.frontends import models_in
from qcompress.graph import Chain, Graph, Stage
from qcompress.manifest import MANIFEST, SCHEMA, read
from qcompress.targets import TARGETS, Body, Target, families, recalled

UNHASHED = {".log", ".so", ".machine"}
"""Endings of files that tell of a run (times, paths) or of a machine, and not of the candidate."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there whole, or as it was before; its folder is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise QcompressError(f"{path.parent}: cannot be made ({fault.strerror}); choose another folder") from None
    with written_aside(path) as file:
        file.write(data)


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def value_hash(value: Any) -> str:
    """SHA-256 of a JSON value, keys sorted."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def find_candidates(given: Sequence[str]) -> list[Path]:
    """Candidate folders: as given, inside a given folder that is none itself, or matching a pattern."""
    found: list[Path] = []
    for text in given:
        matches = [Path(name) for name in sorted(glob.glob(text))] if glob.has_magic(text) else [Path(text)]
        for path in matches:
            inside = sorted(entry.parent for entry in path.glob(f"*/{MANIFEST}"))
            found += inside if inside and not (path / MANIFEST).is_file() else [path]
        if not matches:
            raise QcompressError(f"{text}: matches nothing")
    return found


class Candidate:
    """One firmware candidate on disk."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path) -> "Candidate":
        """Read a candidate; raises QcompressError if the folder is none or its manifest is damaged."""
        path = folder / MANIFEST
        if not path.is_file():
            raise QcompressError(
                f"{folder}: no firmware candidate ({MANIFEST} is missing); make one with qcompress run"
            )
        manifest = read(path)
        return cls(folder, manifest)

    @classmethod
    def create(cls, folder: Path, description: Mapping[str, Any]) -> "Candidate":
        """Open or begin the candidate in `folder` and give it this description; earlier steps stay recorded."""
        if (folder / MANIFEST).is_file():
            candidate = cls.open(folder)
        elif folder.exists() and not folder.is_dir():
            raise QcompressError(f"{folder}: is a file; choose a folder with --out")
        elif folder.exists() and any(entry.name != ".lock" for entry in folder.iterdir()):
            raise QcompressError(f"{folder}: a folder with other files in it; choose another with --out")
        else:
            candidate = cls(folder, {"schema": SCHEMA, "steps": {}})
        candidate.manifest = {"schema": SCHEMA, "targets": None, **description, "steps": candidate.manifest["steps"]}
        candidate.save()
        return candidate

    def save(self) -> None:
        write_whole(self.folder / MANIFEST, (json.dumps(self.manifest, indent=1) + "\n").encode())

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        steps: dict[str, dict[str, Any]] = self.manifest["steps"]
        return steps

    def figures(self, step: str) -> dict[str, Any]:
        """What a finished step found; raises QcompressError if it has not run."""
        if step not in self.steps:
            raise QcompressError(f"{self.folder}: step {step} has not run; finish it with qcompress run")
        figures: dict[str, Any] = self.steps[step]["figures"]
        return figures

    def output_hash(self, step: str) -> str:
        """One hash over all that a step found and wrote."""
        return value_hash([self.steps[step]["files"], self.steps[step]["figures"]])

    def is_current(self, step: str, inputs: str) -> bool:
        """Whether a step was made from these inputs and all its files are still what it wrote."""
        entry = self.steps.get(step)
        return entry is not None and entry["inputs"] == inputs and self.is_intact(step)

    def is_intact(self, step: str) -> bool:
        """Whether all files of a step are still what it wrote."""
        return all(
            (self.folder / name).is_file() and file_hash(self.folder / name) == digest
            for name, digest in self.steps[step]["files"].items()
        )

    def check_intact(self, step: str) -> None:
        """Raises QcompressError if a step has not run, or its files are not what it wrote, or gone."""
        self.figures(step)
        if not self.is_intact(step):
            again = "compile the model again" if self.manifest["detector"] is None else "repair it with qcompress run"
            raise QcompressError(f"{self.folder}: files of step {step} are missing or changed; {again}")

    @contextlib.contextmanager
    def staged(self, step: str) -> Iterator[Path]:
        """A fresh folder for a step's files; moved into the candidate, entry by entry, if the step succeeds."""
        stage = self.folder / f".{step}.partial"
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        try:
            yield stage
        except BaseException as fault:
            for log, kept in self._keep_logs(stage):
                if isinstance(fault, QcompressError):
                    fault.args = (str(fault).replace(str(log), str(kept)),)
            shutil.rmtree(stage, ignore_errors=True)
            raise

    def resume_folder(self, step: str) -> Path:
        """Where a step may keep what it needs to go on after it was killed, until it succeeds."""
        return self.folder / f".{step}.resume"

    def record(self, step: str, inputs: str, stage: Path, figures: Mapping[str, Any]) -> None:
        """Move what a step wrote into place and enter it in the manifest."""
        names = sorted(path.relative_to(stage) for path in stage.rglob("*") if path.is_file())
        files = {str(name): file_hash(stage / name) for name in names if name.suffix not in UNHASHED}
        with self._lock:
            stale = {Path(name).parts[0] for name in self._forget(step)}
            for name in stale - {entry.name for entry in stage.iterdir()}:
                shutil.rmtree(self.folder / name, ignore_errors=True)
            for entry in sorted(stage.iterdir()):
                place = self.folder / entry.name
                if place.is_dir():
                    shutil.rmtree(place)
                entry.replace(place)
            stage.rmdir()
            steps = {**self.steps, step: {"inputs": inputs, "files": files, "figures": dict(figures)}}
            self.manifest["steps"] = dict(sorted(steps.items()))
            self.save()
        shutil.rmtree(self.resume_folder(step), ignore_errors=True)

    def discard(self, step: str) -> None:
        """Remove a step that is no longer wanted, files and record."""
        with self._lock:
            for name in {Path(name).parts[0] for name in self._forget(step)}:
                shutil.rmtree(self.folder / name, ignore_errors=True)

    def _forget(self, step: str) -> list[str]:
        """Take a step out of the manifest before its files change; returns the files it had."""
        entry = self.steps.pop(step, None)
        if entry is None:
            return []
        self.save()
        return list(entry["files"])

    def _keep_logs(self, stage: Path) -> list[tuple[Path, Path]]:
        """A failed step leaves its logs in logs/: where each was, and where it is."""
        kept = []
        for log in stage.rglob("*.log"):
            place = self.folder / "logs" / "-".join(log.relative_to(stage).parts)
            place.parent.mkdir(exist_ok=True)
            shutil.copyfile(log, place)
            kept.append((log, place))
        return kept

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time works on a candidate."""
        with (self.folder / ".lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise QcompressError(f"{self.folder}: another qcompress works on this candidate; wait for it") from None
            yield

    @property
    def detector(self) -> Detector:
        """The detector the candidate was made for; raises QcompressError for a compiled model, which has none."""
        if self.manifest["detector"] is None:
            raise QcompressError(
                f"{self.folder}: a compiled model has no detector; this needs one made by qcompress run"
            )
        return load_detector(self.manifest["detector"])

    def targets(self) -> dict[str, Target]:
        """What was built, by name; a manifest that does not say it is asked by its folders."""
        told: dict[str, Any] | None = self.manifest["targets"]
        if told is not None:
            return {name: recalled(entry).target for name, entry in told.items() if (self.folder / name).is_dir()}
        names = [name for family in families().values() for name in family.all_names()]
        return {name: TARGETS[name] for name in names if (self.folder / name).is_dir()}

    def model(self, name: str) -> Path:
        """The file of a network's model or of its companion, in whatever format a front end reads."""
        models = models_in(self.folder / "model", name)
        if not models:
            raise QcompressError(f"{self.folder}: holds no model of {name}; finish it with qcompress run")
        return models[0]

    def firmware(self) -> Firmware:
        """The candidate as integers: front-end registers, graphs, and the fastest body at hand of each chain."""
        graphs = self.graphs()
        run = {name: self._fastest(name, graph) for name, graph in graphs.items()}
        chains = {name: self._running(name, graphs, run) for name in graphs}
        options = (self.manifest["config"] or {}).get("network", {})
        return Firmware(self.manifest["front_end"], graphs, chains, run, options)

    def _running(self, name: str, graphs: Mapping[str, Graph], run: Mapping[str, Callable[[Codes], Codes]]) -> Running:
        """A whole chain: the emulator of all stages if it was built and runs here, else stage by stage."""
        chain, folder = self.chain(name, graphs), self.folder / "emulator" / name
        bodies = {stage.name: run[own] for stage in chain.stages for own, graph in graphs.items() if stage is graph}
        found: Callable[[Codes], Any] = partial(_stage_by_stage, chain, bodies)
        if folder.is_dir():
            with contextlib.suppress(QcompressError, OSError):  # of an older version, or no compiler is here
                found = self.emulator().open(chain, folder).run
        return Running(chain, found)

    def emulator(self) -> Any:
        """The C++ target with the settings that the candidate was built with."""
        from qcompress.targets.cpp.emulator import TARGET

        told = (self.manifest["targets"] or {}).get(TARGET.name)
        return TARGET if told is None else recalled(told).target

    def _fastest(self, name: str, graph: Graph) -> Callable[[Codes], Codes]:
        """The C++ emulator if it was built and runs on this machine, else the reference interpreter: the same codes."""
        folder = self.folder / "cpp" / name
        if folder.is_dir():
            with contextlib.suppress(ToolMissing, OSError):  # built elsewhere, and nothing can be compiled here
                body: Body = self.emulator().open(graph, folder)
                return body.run
        return graph.run

    def front(self, name: str, graphs: Mapping[str, Graph]) -> Stage:
        """What stands in front of a network; graphs: all of the candidate's, in order."""
        before = dict(itertools.takewhile(lambda entry: entry[0] != name, graphs.items()))
        return self.detector.preprocess(self.manifest["front_end"], name, before)

    def chain(self, name: str, graphs: Mapping[str, Graph] | None = None) -> Chain:
        """All integer stages around a network, from the detector's codes to its words.

        The network's own codes leave it, and those of every stage behind. graphs: the candidate's own unless given.
        """
        graphs = self.graphs() if graphs is None else graphs
        graph = graphs[name]
        behind = self.detector.postprocess(self.manifest["front_end"], name, graph)
        outputs = (graph.name, *(stage.name for stage in behind))
        return Chain(f"{self.manifest['name']}_{name}", (self.front(name, graphs), graph, *behind), outputs)

    def graphs(self) -> dict[str, Graph]:
        """The candidate's graphs by network name, in the order in which they were compiled."""
        found = {path.parent.name: path.parent for path in sorted((self.folder / "graph").glob("*/graph.json"))}
        if not found:
            raise QcompressError(f"{self.folder}: holds no graph yet; finish it with qcompress run")
        compiled = [name for name in self.steps.get("compile", {}).get("figures", {}) if name in found]
        return {name: Graph.load(found[name]) for name in dict.fromkeys([*compiled, *found])}


def _stage_by_stage(chain: Chain, bodies: Mapping[str, Callable[[Codes], Codes]], codes: Codes) -> dict[str, Codes]:
    """The codes of a chain's outputs, each stage by its own reference, or by a body of the stage of that name."""
    found = {}
    for stage in chain.stages:
        codes = found[stage.name] = np.asarray(bodies.get(stage.name, stage.run)(codes), np.int64)
    return {name: found[name] for name in chain.outputs}
