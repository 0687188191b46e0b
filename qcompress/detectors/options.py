"""What a config may say in sections that are a detector's."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, field_validator, model_validator


class Options(BaseModel):
    """What a config may say in a section that is the detector's; each detector derives its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkSection(Options):
    """What the `network` section of every config may say; each detector derives its own."""

    family: ClassVar[tuple[str, ...]] = ()
    """Keys that describe the built-in networks alone: they say nothing of a model of the user's own."""

    model: Path | dict[str, Path] | None = None
    """A Keras model of the user's own instead of the built-in network, or one for each network by name."""

    @field_validator("model", mode="before")
    @classmethod
    def _files(cls, given: Any) -> Any:
        files = given.values() if isinstance(given, dict) else [given]
        if given is not None and not all(isinstance(file, str | Path) and str(file) for file in files):
            raise ValueError("give a file of a Keras model, or such a file for each network by name")
        return given

    @model_validator(mode="after")
    def _only_of_the_family(self) -> "NetworkSection":
        if isinstance(self.model, Path) and (keys := self.of_the_family()):
            raise ValueError(f"{keys[0]}: describes the built-in network; leave it out beside model")
        return self

    def of_the_family(self) -> list[str]:
        """Keys of the built-in networks that are not as they are by default."""
        return [key for key in self.family if getattr(self, key) != type(self).model_fields[key].default]
