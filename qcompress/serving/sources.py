"""What is served, as it is named on the command line: [NAME[:VERSION]=]CANDIDATE."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from qcompress.candidate import Candidate
from qcompress.candidate.finding import REGISTERED
from qcompress.errors import QcompressError

_NAMED = re.compile(r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::(?P<version>\d+))?=(?P<candidate>.+)")


class When(NamedTuple):
    """Which candidate of a name in a registry: that of a run, or of a time; registry: its URL, None for the user's."""

    run: int | None = None
    time: str | None = None
    registry: str | None = None


ALWAYS = When()
"""Nothing is said: a folder has no runs."""


@dataclass(frozen=True)
class Source:
    """A candidate to serve: a folder, or registry:NAME.

    name: of its models, None for its networks' own; version: None for the next one; when: of a name in a registry.
    """

    candidate: str
    name: str | None = None
    version: int | None = None
    when: When = ALWAYS

    @classmethod
    def parse(cls, text: str, when: When = ALWAYS) -> "Source":
        """The source that text says, of `when` if it is registry:NAME; raises QcompressError for no version."""
        match = None if Path(text).is_dir() else _NAMED.fullmatch(text)
        if match is None:
            return cls(text, when=_of(text, when))
        version = None if match["version"] is None else int(match["version"])
        if version is not None and not 1 <= version < 2**31:
            raise QcompressError(f"{text}: versions are 1, 2, ..")
        return cls(match["candidate"], match["name"], version, _of(match["candidate"], when))

    def model_name(self, network: str, alone: bool) -> str:
        """What the models of a network begin with; alone: whether it is the candidate's only one."""
        if self.name is None:
            return network
        return self.name if alone else f"{self.name}.{network}"


def _of(candidate: str, when: When) -> When:
    """What of `when` concerns a candidate: a folder has no runs."""
    return when if candidate.startswith(REGISTERED) else ALWAYS


def sources_of(texts: Sequence[str], when: When) -> list[Source]:
    """The sources that texts say; raises QcompressError for `when` where none of them is registry:NAME."""
    sources = [Source.parse(text, when) for text in texts]
    if when != ALWAYS and not any(source.candidate.startswith(REGISTERED) for source in sources):
        raise QcompressError(f"{texts[0]}: --run, --time and --registry go with {REGISTERED}NAME")
    return sources


def candidate_of(source: Source) -> Candidate:
    """The candidate of a source, which is looked up now; raises QcompressError if there is none."""
    if not source.candidate.startswith(REGISTERED):
        return Candidate.open(Path(source.candidate))
    from qcompress.registry import folder_of

    return Candidate.open(folder_of(source.candidate, *source.when))
