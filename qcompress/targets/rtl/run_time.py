"""Verilator's run time, compiled once for each compiler and its options, and kept.

It is the same for every design, and most of what compiling a small one takes. It is kept in $QCOMPRESS_CACHE, or in
~/.cache/qcompress; where nothing can be written there, it is compiled for every design.
"""

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path

from qcompress.errors import QcompressError
from qcompress.files import cache_folder, written_aside
from qcompress.targets.processes import run_logged

SOURCES = ("verilated.cpp", "verilated_threads.cpp")
"""What a model without tracing, coverage and time needs of Verilator's include/."""


def run_time_object(compile_: Sequence[str], source: Path, folder: Path, log: Path) -> Path:
    """The object of one of the sources: found, or compiled in `folder` and kept.

    compile_: the compiler with its options; source: in Verilator's include/; log: takes what the compiler says.
    """
    kept = cache_folder()
    target = None if kept is None else kept / f"{source.stem}-{_key(compile_, source)}.o"
    if target is not None and target.is_file():
        return target
    made = folder / f"{source.stem}.o"
    run_logged([*compile_, "-c", str(source), "-o", made.name], folder, log, f"compiling {source.name}")
    if target is not None:
        with contextlib.suppress(QcompressError), written_aside(target) as file:
            file.write(made.read_bytes())
    return made


def _key(compile_: Sequence[str], source: Path) -> str:
    """Of the compiler's program, its options and all of Verilator that a source may include."""
    program = Path(compile_[0]).resolve()
    said = program.stat()
    parts = [f"{program} {said.st_size} {said.st_mtime_ns}", *compile_[1:]]
    parts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(source.parent.glob("verilated*"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
