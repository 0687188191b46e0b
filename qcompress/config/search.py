"""What a config may say in its section `search`: which keys are varied, what for, how long."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

Number = int | float


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Part):
    """Numbers from `low` to `high`, both included; whole ones where both ends and `step` are."""

    low: Number
    high: Number
    log: bool = False
    """Drawn evenly in the logarithm."""
    step: Number | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> "Range":
        if not self.low < self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"log: low {self.low} has no logarithm")
        if self.log and self.step is not None:
            raise ValueError("log and step: give one of them")
        if self.step is not None and not 0 < self.step <= self.high - self.low:
            raise ValueError(f"step {self.step} leads nowhere between {self.low} and {self.high}")
        return self

    @property
    def whole(self) -> bool:
        """Whether it is of whole numbers."""
        return all(isinstance(each, int) for each in (self.low, self.high, self.step or 1))


Choices = Annotated[list[Any], Field(min_length=1)]
"""Values that a key may have."""


KINDS = ("one of a list", "within a range")
"""How a key may be varied; what pydantic calls the two."""


def _kind(given: Any) -> str:
    return KINDS[isinstance(given, dict | Range)]


Varied = Annotated[Annotated[Choices, Tag(KINDS[0])] | Annotated[Range, Tag(KINDS[1])], Discriminator(_kind)]


class Bound(_Part):
    """What a figure must keep to."""

    at_most: Number | None = None
    at_least: Number | None = None

    @model_validator(mode="after")
    def _one(self) -> "Bound":
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give either at_most or at_least")
        return self

    def excess(self, figure: Number) -> float:
        """By how much a figure is beyond the bound; 0 or less where it keeps to it."""
        return float(figure - self.at_most if self.at_most is not None else (self.at_least or 0) - figure)


class BatchOptions(_Part):
    """What a job of a batch system asks for; each runs one dask worker, which computes one trial at a time."""

    cores: int = Field(1, ge=1)
    memory: str = "4GB"
    walltime: str = "04:00:00"
    """Of SLURM."""
    disk: str = "4GB"
    """Of HTCondor."""
    queue: str | None = None
    """Partition of SLURM."""
    account: str | None = None
    """Of SLURM."""
    prologue: tuple[str, ...] = ()
    """Lines of shell in front of the worker."""


class SearchOptions(_Part):
    """A search over candidates: the space, what is asked of a trial, how trials are chosen, how many."""

    space: dict[str, Varied] = Field(min_length=1)
    """Dotted key of network, training, hardware or targets -> a list of choices, or a range."""
    objectives: dict[str, Literal["minimize", "maximize"]] = Field(min_length=1)
    """Figure -> which way is better."""
    constraints: dict[str, Bound] = {}
    """Figure -> its bound; budgets of section hardware are constraints too."""
    trial: dict[str, Any] = {}
    """Dotted key of the config -> what trials have in its place: fewer events, fewer epochs, another seed."""
    sampler: Literal["tpe", "nsga2", "random"] = "tpe"
    pruner: Literal["asha", "none"] = "none"
    trials: int = Field(50, ge=1)
    seed: int = Field(1, ge=0, lt=2**32)
    """Of the choice of trials."""
    synthesize: int = Field(0, ge=0)
    """So many of the best trials are verified on all bodies and synthesized at the end."""
    batch: BatchOptions = BatchOptions()

    @field_validator("space")
    @classmethod
    def _varies(cls, space: dict[str, Any]) -> dict[str, Any]:
        for key, values in space.items():
            if isinstance(values, list) and any(value in values[:place] for place, value in enumerate(values)):
                raise ValueError(f"{key}: a choice is given twice")
        return space

    @model_validator(mode="after")
    def _apart(self) -> "SearchOptions":
        if both := [key for key in self.space if key in self.trial]:
            raise ValueError(f"trial: {both[0]} is varied, it cannot be given")
        return self
