"""What the user of `qcompress emulate` wants of files of columns, and how it is shared out."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from qcompress.volumes.plan import Span


@dataclass(frozen=True)
class Asked:
    """What the user wants, as it was typed.

    quantize: real values to the inputs' grids first; inputs: "[NAME=]COLUMN[,COLUMN...]" each; output_columns:
    "NAME[=COLUMN],..."; keep: "COLUMN[=NAME],..."; partitions: None to choose; threads: of one process, 0 for its share
    of the processors.
    """

    candidate: Path
    source: Path
    target: Path
    network: str | None = None
    stages: bool = False
    codes: bool = False
    quantize: bool = False
    inputs: tuple[str, ...] = ()
    output_columns: str | None = None
    keep: str | None = None
    tree: str | None = None
    ntuple: bool = False
    partitions: int | None = None
    scheduler: str | None = None
    threads: int = 0
    replace: bool = False


class Share(NamedTuple):
    """How rows are shared out: the partitions, processes on this machine, threads of each."""

    spans: list[Span]
    processes: int
    threads: int
