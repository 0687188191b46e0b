"""A candidate's folder: its manifest, its steps with the hashes of what they were made from."""

import contextlib
import fcntl
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from qcompress.candidate.figures import Found, StepFigures
from qcompress.candidate.manifest import MANIFEST, SCHEMA, read
from qcompress.errors import QcompressError
from qcompress.files import Json, JsonObject, file_hash, write_json

UNHASHED = {".log", ".so", ".machine"}
"""Endings of files that tell of a run (times, paths) or of a machine, and not of the candidate."""


def value_hash(value: Json) -> str:
    """SHA-256 of a JSON value, keys sorted."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Record:
    """What a candidate is, and which of its steps have run, as its manifest keeps it."""

    def __init__(self, folder: Path, manifest: JsonObject) -> None:
        self.folder = folder
        self.manifest = manifest
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a candidate; raises QcompressError if the folder is none or its manifest is damaged."""
        path = folder / MANIFEST
        if not path.is_file():
            raise QcompressError(
                f"{folder}: no firmware candidate ({MANIFEST} is missing); make one with qcompress run"
            )
        manifest = read(path)
        return cls(folder, manifest)

    @classmethod
    def create(cls, folder: Path, description: Mapping[str, Any]) -> Self:
        """Open or begin the candidate in `folder` and give it this description; earlier steps stay recorded."""
        if (folder / MANIFEST).is_file():
            candidate = cls.open(folder)
        elif folder.exists() and not folder.is_dir():
            raise QcompressError(f"{folder}: is a file; choose a folder with --out")
        elif folder.exists() and any(entry.name != ".lock" for entry in folder.iterdir()):
            raise QcompressError(f"{folder}: a folder with other files in it; choose another with --out")
        else:
            candidate = cls(folder, {"schema": SCHEMA, "steps": {}})
        candidate.manifest = {
            "schema": SCHEMA,
            "targets": None,
            "hardware": None,
            **description,
            "steps": candidate.manifest["steps"],
        }
        candidate.save()
        return candidate

    def save(self) -> None:
        """Write the manifest."""
        write_json(self.folder / MANIFEST, self.manifest)

    @property
    def steps(self) -> dict[str, JsonObject]:
        """Inputs, files and figures of every step that has run, by name."""
        steps: dict[str, JsonObject] = self.manifest["steps"]
        return steps

    def figures(self, step: str) -> JsonObject:
        """What a finished `step` found, as the manifest has it; raises QcompressError if it has not run."""
        if step not in self.steps:
            raise QcompressError(f"{self.folder}: step {step} has not run; finish it with qcompress run")
        figures: JsonObject = self.steps[step]["figures"]
        return figures

    def figures_of(self, kind: StepFigures[Found]) -> Found:
        """What a finished step found, typed; kind: of which step; raises QcompressError if it has not run."""
        return kind.from_json(self.figures(kind.step))

    def figures_if_run(self, kind: StepFigures[Found]) -> Found | None:
        """What a finished step found, typed, or None if it has not run; kind: the figures of that step."""
        return self.figures_of(kind) if kind.step in self.steps else None

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

    def follows(self, step: str, before: str) -> bool:
        """Whether a step was made from another one as that is now; an older version's entries do not tell it: True."""
        told = self.steps[step].get("before", {}).get(before)
        return told is None or told == self.output_hash(before)

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

    def record(
        self, step: str, inputs: str, stage: Path, figures: Mapping[str, Any], after: Sequence[str] = ()
    ) -> None:
        """Move what a `step` wrote into place and enter it in the manifest; what it wrote before is removed.

        inputs: hash of what it was made from; stage: the folder of `staged` that holds its files; figures: what it
        found, as JSON values; after: steps that it follows, whose hashes are entered too.
        """
        names = sorted(path.relative_to(stage) for path in stage.rglob("*") if path.is_file())
        files = {str(name): file_hash(stage / name) for name in names if name.suffix not in UNHASHED}
        with self._lock:
            stale = {Path(name).parts[0] for name in self._forget(step)}
            for name in stale - {entry.name for entry in stage.iterdir()}:
                shutil.rmtree(self.folder / name, ignore_errors=True)
            for written in sorted(stage.iterdir()):
                place = self.folder / written.name
                if place.is_dir():
                    shutil.rmtree(place)
                written.replace(place)
            stage.rmdir()
            before = {name: self.output_hash(name) for name in after if name in self.steps}
            entry = {"inputs": inputs, "files": files, "figures": dict(figures), "before": before}
            steps = {**self.steps, step: entry}
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
