"""The sections of a config, as pydantic checks them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, field_validator, model_validator

from qcompress.config.search import SearchOptions
from qcompress.detectors import Options
from qcompress.files import JsonObject
from qcompress.synthesis.aim import XILINX
from qcompress.synthesis.flows import OPEN
from qcompress.targets import Choice, Hardware, choose
from qcompress.training.options import TrainingOptions

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
    targets: Targets = Field(default_factory=lambda: all_targets({}))
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


def all_targets(given: Mapping[str, Any]) -> JsonObject:
    """The targets of a config, those that are built by default first."""
    return {**{name: {} for name in DEFAULT_TARGETS}, **given}
