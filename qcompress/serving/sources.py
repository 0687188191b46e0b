"""What is served, as it is named on the command line: [NAME[:VERSION]=]CANDIDATE."""

import re
from dataclasses import dataclass
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.errors import QcompressError

_NAMED = re.compile(r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::(?P<version>\d+))?=(?P<candidate>.+)")


@dataclass(frozen=True)
class Source:
    """A candidate to serve. name: of its models, None for its networks' own; version: None for the next one."""

    candidate: str
    name: str | None = None
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Source":
        """The source that text says; raises QcompressError for a version that is none."""
        match = None if Path(text).is_dir() else _NAMED.fullmatch(text)
        if match is None:
            return cls(text)
        version = None if match["version"] is None else int(match["version"])
        if version is not None and not 1 <= version < 2**31:
            raise QcompressError(f"{text}: versions are 1, 2, ..")
        return cls(match["candidate"], match["name"], version)

    def model_name(self, network: str, alone: bool) -> str:
        """What the models of a network begin with; alone: whether it is the candidate's only one."""
        if self.name is None:
            return network
        return self.name if alone else f"{self.name}.{network}"


def candidate_of(text: str) -> Candidate:
    """The candidate that a text names: a folder. Raises QcompressError if there is none."""
    return Candidate.open(Path(text))
