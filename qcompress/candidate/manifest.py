"""manifest.json: what a candidate's manifest must hold, and how one of an older schema is read."""

import json
from pathlib import Path

from qcompress.candidate.figures import KEPT
from qcompress.errors import QcompressError
from qcompress.files import JsonObject

SCHEMA = 4
"""Raised when what a manifest holds changes; older ones are brought up to it when they are read."""
TARGETS_SINCE = 3
"""The schema that began to name targets."""
MANIFEST = "manifest.json"
DESCRIPTION = ("name", "detector", "config", "seed", "versions", "front_end", "targets", "hardware")
"""What a manifest says of its candidate, besides its schema and its steps."""
TRAINING = ("epochs", "best_epoch", "validation_loss", "kept", "overtrained_since", "training_rows")
"""What step train says of a network besides its companions; unknown (None) where an older schema did not say it."""


def read(path: Path) -> JsonObject:
    """The manifest at `path`, as this version has it; raises QcompressError if it is damaged or newer."""
    try:
        manifest = json.loads(path.read_text())
        if manifest["schema"] not in range(1, SCHEMA + 1):
            raise QcompressError(
                f"{path}: manifest schema {manifest['schema']}, this version reads 1 to {SCHEMA}; "
                "it is of a newer qcompress, or damaged"
            )
        migrated = _migrated(manifest)
        if missing := [key for key in DESCRIPTION if key not in migrated]:
            raise KeyError(*missing[:1])
        _check_types(migrated)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise QcompressError(f"{path}: damaged manifest ({fault}); run the candidate's config again") from None
    return migrated


def _migrated(manifest: JsonObject) -> JsonObject:
    """A manifest of any schema as the newest has it.

    Schema 1 said less of a training; schemas 1 and 2 did not name the targets, which are known by their folders then;
    schemas 1 to 3 had no hardware to aim at.
    """
    steps = {name: dict(entry) if isinstance(entry, dict) else entry for name, entry in manifest["steps"].items()}
    if manifest["schema"] < TARGETS_SINCE:
        manifest.setdefault("targets", None)
    if manifest["schema"] < SCHEMA:
        manifest.setdefault("hardware", None)
    if manifest["schema"] == 1 and "train" in steps:
        networks = steps["train"]["figures"]
        steps["train"]["figures"] = {name: dict.fromkeys(TRAINING) | entry for name, entry in networks.items()}
    return {**manifest, "schema": SCHEMA, "steps": steps}


def _check_types(manifest: JsonObject) -> None:
    """TypeError or ValueError naming the entry of a manifest that is not what this version writes."""
    expected = {"name": str, "detector": str | None, "config": dict | None, "seed": int}
    for key, kind in {
        **expected,
        "versions": dict,
        "front_end": dict,
        "targets": dict | None,
        "hardware": dict | None,
    }.items():
        if not isinstance(manifest[key], kind):
            raise TypeError(key)
    for name, told in (manifest["targets"] or {}).items():
        if not isinstance(told, dict) or not (isinstance(told["family"], str) and isinstance(told["settings"], dict)):
            raise TypeError(f"targets.{name}")
    if manifest["seed"] < 0:
        raise ValueError("seed")
    for step, entry in manifest["steps"].items():
        for key, part in (("inputs", str), ("files", dict), ("figures", dict)):
            if not isinstance(entry, dict) or not isinstance(entry.get(key), part):
                raise TypeError(f"steps.{step}.{key}")
    for figures in KEPT:
        if figures.step in manifest["steps"]:
            figures.from_json(manifest["steps"][figures.step]["figures"])
