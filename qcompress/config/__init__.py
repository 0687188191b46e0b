"""What a firmware_configs/*.yaml may say. A fault names the key, its line and the nearest valid key."""

import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from qcompress.config.changes import changed
from qcompress.config.faults import describe, line_of
from qcompress.config.search import SearchOptions
from qcompress.config.sections import (
    Config,
    EvaluationOptions,
    SampleOptions,
    SynthesisOptions,
    VerificationOptions,
    all_targets,
)
from qcompress.detectors import load_detector
from qcompress.errors import QcompressError, QcompressWarning
from qcompress.files import JsonObject
from qcompress.synthesis.aim import check_device, flow_of
from qcompress.targets import Hardware, choose, distinct
from qcompress.yaml_files import file_bytes, parse_yaml

__all__ = [
    "Config",
    "EvaluationOptions",
    "SampleOptions",
    "SynthesisOptions",
    "VerificationOptions",
    "load_config",
    "load_yaml",
    "parse_config",
]


def load_yaml(path: Path) -> JsonObject:
    """Keys and values of the YAML file at `path`; raises QcompressError with file and line."""
    return _load(path)[0]


def _load(path: Path) -> tuple[dict[str, Any], yaml.Node | None]:
    if not path.is_file():
        raise QcompressError(f"{path}: no such config file")
    given, tree = _read(path, file_bytes(path))
    if not isinstance(given, dict):
        raise QcompressError(f"{path}: a config is a list of keys and values; this one has none")
    return given, tree


@lru_cache(maxsize=4)
def _read(path: Path, data: bytes) -> tuple[Any, yaml.Node | None]:
    """What a file of these bytes says: a search reads it again and again. Nobody changes what this gives."""
    return parse_yaml(path, data)


def load_config(
    path: Path,
    hardware: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
    text: Path | None = None,
) -> Config:
    """Read the config at `path`; raises QcompressError with file, line and key.

    Relative paths in it start where it lies. hardware: keys of that section and their values, before the file's own;
    changes: values by dotted key, before the file's own too; text: a copy of the file to be read in its place. Warns of
    what of its hardware a target does not use.
    """
    given, tree = _load(text or path)
    aims = {f"hardware.{key}": value for key, value in (hardware or {}).items()}
    config = parse_config(changed(given, {**aims, **(changes or {})}), path, tree)
    for section, key in (("sample", "file"), ("training", "start"), ("network", "model")):
        options = getattr(config, section)
        told = getattr(options, key, None)
        if told is not None:
            places = list(told.values()) if isinstance(told, dict) else [told]
            if wrong := [place for place in places if "\0" in str(place)]:
                line = line_of(tree, [section, key])
                raise QcompressError(f"{path}:{line}: {section}.{key}: {str(wrong[0])!r} is no file name")
            found = [(path.parent / place).resolve() for place in places]
            whole = dict(zip(told, found, strict=True)) if isinstance(told, dict) else found[0]
            config = config.model_copy(update={section: options.model_copy(update={key: whole})})
    return config


def parse_config(values: dict[str, Any], path: Path, tree: yaml.Node | None = None) -> Config:
    """A config from plain values as YAML gives them; `path` and `tree` (the YAML it came from) are for the messages.

    values: sections and keys, with the user's words, which hardware fills in; without a tree those of an earlier
    config, filled in already. Raises QcompressError with file, line and the nearest valid key.
    """
    section: list[str] = []
    if "detector" in values and not isinstance(values["detector"], str):
        raise QcompressError(f"{path}:{line_of(tree, ['detector'])}: detector: {values['detector']!r} is no name")
    try:
        own: dict[str, Any] = {"network": values.get("network", {})}
        if isinstance(values.get("detector"), str):
            detector = load_detector(values["detector"])
            section = ["network"]
            own["network"] = detector.options.model_validate(own["network"])
            sample = values.get("sample")
            if isinstance(sample, dict) and sample.get("simulate") is not None and not detector.kinds:
                section = ["sample", "simulate"]
                raise QcompressError(f"sample.simulate: detector {detector.name} has no simulation; give sample.file")
            if isinstance(sample, dict) and sample.get("select") is not None:
                section = ["sample", "select"]
                if detector.selection is None:
                    raise QcompressError(f"sample.select: detector {detector.name} has no selections; leave it out")
                own["sample"] = {**sample, "select": detector.selection.model_validate(sample["select"])}
        section = ["hardware"]
        hardware = own["hardware"] = Hardware.model_validate(values.get("hardware", {}))
        if tree:
            section = ["synthesis"]
            own |= _flow(values, hardware)
        own["targets"] = {}
        for name, settings in _targets_of(values).items():
            section = ["targets", name]
            chosen = choose(name, settings, hardware if tree else None)
            own["targets"][name] = None if settings is None else chosen.settings.model_dump(mode="json")
            for note in chosen.notes if settings is not None else ():
                warnings.warn(note, QcompressWarning, stacklevel=3)
        section = ["search"]
        if values.get("search") is not None:
            own["search"] = SearchOptions.model_validate(values["search"])
        section = ["targets"]
        distinct([choose(name, told) for name, told in own["targets"].items() if told is not None])
        section = []
        return Config.model_validate({**values, **own})
    except ValidationError as fault:
        raise QcompressError(describe(path, tree, values, section, fault)) from None
    except ValueError as fault:  # of a target's shorthand
        raise QcompressError(f"{path}:{line_of(tree, section)}: {'.'.join(section)}: {fault}") from None
    except QcompressError as fault:
        raise QcompressError(f"{path}:{line_of(tree, section or ['detector'])}: {fault}") from None


def _flow(values: Mapping[str, Any], hardware: Hardware) -> JsonObject:
    """Section synthesis with the flow that knows the device, where the values name a device and no flow.

    Raises QcompressError for a flow that places and routes other devices than that.
    """
    told, device = values.get("synthesis", {}), hardware.aimed_at
    if device is None or not isinstance(told, dict):
        return {}
    if "flow" in told:
        check_device(device, [told["flow"]], False)
        return {}
    return {"synthesis": {**told, "flow": flow_of(device)}}


def _targets_of(given: Mapping[str, Any]) -> JsonObject:
    """What a config says of targets: names and settings, or shorthands, or null."""
    told = given.get("targets")
    if told is not None and not (isinstance(told, dict) and all(isinstance(name, str) for name in told)):
        raise QcompressError(f"targets: give names of targets and their settings, not {told!r}")
    return all_targets(told or {})
