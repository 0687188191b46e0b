"""What a firmware_configs/*.yaml may say. A fault names the key, its line and the nearest valid key."""

import difflib
import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, field_validator, model_validator

from qcompress.config.changes import changed
from qcompress.config.search import KINDS, Range, SearchOptions
from qcompress.detectors import Options, load_detector
from qcompress.errors import QcompressError, QcompressWarning
from qcompress.files import JsonObject
from qcompress.synthesis.aim import XILINX, check_device, flow_of
from qcompress.synthesis.flows import OPEN
from qcompress.targets import Choice, Hardware, choose, distinct
from qcompress.training.options import TrainingOptions
from qcompress.yaml_files import file_bytes, parse_yaml

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SampleOptions(_Section):
    """Either a kind that the detector simulates, with a number of events, or a file; and what is kept of it."""

    simulate: str | None = None
    events: int = Field(2000, ge=1)
    file: Path | None = None
    select: SerializeAsAny[Options] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "SampleOptions":
        if (self.simulate is None) == (self.file is None):
            raise ValueError("give either simulate or file")
        return self


DEFAULT_TARGETS = ("cpp", "hls", "rtl")
"""Built unless the config says null."""
Targets = dict[str, dict[str, Any] | None]
"""Name of a target -> its settings, None where it is not wanted."""


class VerificationOptions(_Section):
    """Rows of the sample's test events, and rows of each random input set."""

    test_rows: int = Field(2000, ge=1)
    random_rows: int = Field(1000, ge=1)


class SynthesisOptions(_Section):
    """The open flow, and what one run of it may take; of a device in section hardware, the flow that knows it."""

    flow: str | None = XILINX
    time_limit_s: int = Field(1500, ge=1)
    memory_limit_mb: int = Field(8000, ge=100)

    @field_validator("flow")
    @classmethod
    def _open(cls, flow: str | None) -> str | None:
        if flow is not None and flow not in OPEN:
            raise ValueError(f"give one of {', '.join(OPEN)}, or null")
        return flow


class EvaluationOptions(_Section):
    """What is scored of the test rows."""

    rows: int = Field(4000, ge=1)
    """At most so many, in whole events; one event at least."""
    algorithms: tuple[str, ...] | None = None
    """The detector's, beside the candidate; all it has unless given."""
    tolerance: float = Field(0.05, ge=0, le=1)
    """Of the detector's checks, relative: what is lost or added of a quantity that should be conserved."""


class Config(_Section):
    """A firmware candidate's description."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    detector: str
    seed: Seed = 1
    sample: SampleOptions
    network: SerializeAsAny[Options]
    training: TrainingOptions = TrainingOptions()
    hardware: Hardware = Hardware()
    """What targets are aimed at unless they are told otherwise, and budgets, which are checks."""
    targets: Targets = Field(default_factory=lambda: _targets({}))
    """Which bodies are built; every installed target may be named, with what that target may be told."""
    verification: VerificationOptions = VerificationOptions()
    synthesis: SynthesisOptions = SynthesisOptions()
    evaluation: EvaluationOptions = EvaluationOptions()
    search: SearchOptions | None = Field(None, exclude=True)
    """What `qcompress search` varies; no part of a candidate."""

    def choices(self) -> list[Choice]:
        """The targets that are wanted, in order."""
        return [choose(name, settings) for name, settings in self.targets.items() if settings is not None]

    def folder(self, quick: bool = False) -> Path:
        """Where its candidate lies unless told otherwise; quick: that of `quick`."""
        return Path("hls_projects", f"{self.name}_quick" if quick else self.name)

    def quick(self) -> "Config":
        """The same candidate trained for one epoch and not synthesized."""
        return self.model_copy(
            update={
                "training": self.training.model_copy(update={"epochs": 1}),
                "synthesis": self.synthesis.model_copy(update={"flow": None}),
            }
        )


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
                line = _line(tree, [section, key])
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
        raise QcompressError(f"{path}:{_line(tree, ['detector'])}: detector: {values['detector']!r} is no name")
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
        raise QcompressError(_describe(path, tree, values, section, fault)) from None
    except ValueError as fault:  # of a target's shorthand
        raise QcompressError(f"{path}:{_line(tree, section)}: {'.'.join(section)}: {fault}") from None
    except QcompressError as fault:
        raise QcompressError(f"{path}:{_line(tree, section or ['detector'])}: {fault}") from None


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


def _targets(given: Mapping[str, Any]) -> JsonObject:
    """The targets of a config, those that are built by default first."""
    return {**{name: {} for name in DEFAULT_TARGETS}, **given}


def _targets_of(given: Mapping[str, Any]) -> JsonObject:
    """What a config says of targets: names and settings, or shorthands, or null."""
    told = given.get("targets")
    if told is not None and not (isinstance(told, dict) and all(isinstance(name, str) for name in told)):
        raise QcompressError(f"targets: give names of targets and their settings, not {told!r}")
    return _targets(told or {})


def _describe(
    path: Path, tree: yaml.Node | None, given: dict[str, Any], section: list[str], fault: ValidationError
) -> str:
    """One line for the first fault of a config: place, key, what is wrong, what to do."""
    error = min(fault.errors(), key=lambda e: e["type"] != "extra_forbidden")  # a misspelt key before a missing one
    keys = section + [str(part) for part in error["loc"] if part not in KINDS]
    where = f"{path}:{_line(tree, keys)}: " + (".".join(keys) or "config")
    if error["type"] == "extra_forbidden":
        known = _known_keys(given, keys[:-1])
        nearest = difflib.get_close_matches(keys[-1], known, 1)
        told = f"known here: {', '.join(sorted(known))}" if known else "which detector's network is it? give detector"
        hint = f"did you mean {nearest[0]}?" if nearest else told
        return f"{where}: unknown key; {hint}"
    if error["type"] == "missing":
        return f"{where}: this key is missing"
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" + ("" if isinstance(error["input"], dict) else f", not {error['input']!r}")


def _known_keys(given: dict[str, Any], section: list[str]) -> list[str]:
    """Valid keys of a section of the config; none of a section that only a detector knows, where none is named."""
    model: type[BaseModel] = Config
    if section[:2] == ["search", "space"]:
        return list(Range.model_fields)
    if section[:1] == ["network"] or section[:2] == ["sample", "select"]:
        if not isinstance(given.get("detector"), str):
            return []
        plug = load_detector(given["detector"])
        model = plug.options if section[0] == "network" else plug.selection or Options
        section = section[1:] if section[0] == "network" else section[2:]
    if section[:1] == ["targets"] and len(section) > 1:
        model, section = choose(section[1]).family.settings, section[2:]
    keys = iter(section)
    for key in keys:
        annotation: Any = model.model_fields[key].annotation
        if get_origin(annotation) is UnionType:  # a section or nothing
            annotation = get_args(annotation)[0]
        if get_origin(annotation) is dict:  # names of the user's, each with a section of its own
            annotation = get_args(annotation)[1]
            next(keys, None)
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def _line(tree: yaml.Node | None, keys: list[str]) -> int:
    """Line of the deepest key of the path that stands in the file."""
    line = 1
    for key in keys:
        if not isinstance(tree, yaml.MappingNode):
            break
        for key_node, value in tree.value:
            if key_node.value == key:
                line, tree = key_node.start_mark.line + 1, value
                break
        else:
            break
    return line
