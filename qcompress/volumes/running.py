"""`qcompress emulate` on files of columns: looked at, said, computed in partitions, joined."""

import os
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qcompress.candidate import Candidate
from qcompress.candidate.emulation import Emulation
from qcompress.detectors import partitions as dask_partitions
from qcompress.errors import QcompressError, QcompressWarning
from qcompress.files import written_aside
from qcompress.progress import Reporter
from qcompress.volumes import parts as kept_parts
from qcompress.volumes.announcement import announced, estimate
from qcompress.volumes.asked import Asked, Share
from qcompress.volumes.bindings import bindings, check, kept_names, output_names
from qcompress.volumes.bindings import notes as notes_of
from qcompress.volumes.columns import Column
from qcompress.volumes.computing import compute, output_column
from qcompress.volumes.formats import check_written, writer_of
from qcompress.volumes.parts import Joined, Parts
from qcompress.volumes.plan import Span, Work, default_partitions, gaps, partitions, rows_of_a_batch, rows_of_a_block
from qcompress.volumes.volume import columns_of, found_files, named, volume_of


def emulate(asked: Asked, reporter: Reporter) -> str:
    """Run a candidate's integers on files of columns, as it was asked; returns one line.

    The output appears whole or not at all; what a killed call has computed lies beside it and is not computed again.
    reporter: told what will be done, then how much is. Raises QcompressError.
    """
    if asked.scheduler is not None:  # whose workers may be in other folders
        asked = replace(asked, source=Path(os.path.abspath(asked.source)), target=Path(os.path.abspath(asked.target)))
    paths = found_files(asked.source)
    write = writer_of(asked.target, asked.ntuple)
    check_target(asked, paths)
    work, emulation, notes = looked_at(asked, paths)
    started = time.monotonic()
    with kept_parts.opened(asked.target, work.description(asked.target), work.written, asked.replace) as parts:
        refuse_finished(asked)  # another call may have written it before this one had the folder
        done = parts.done()
        share = shared_out(asked, work, done)
        said = announced(asked, work, emulation, done)
        for line in [*notes, *said, *estimate(asked, work, emulation, share, write)]:
            reporter.line(line)
        coming, whole = _computed(asked, work, parts, share, reporter), parts.folder / asked.target.name
        with closing(coming), written_aside(whole) as file:
            write(file, Joined(parts, work.rows, work.block_rows, done, coming), asked.target)
        if cut := parts.cut():
            lost = f"{asked.source}: {cut} input values are beyond the ends of their format and cut"
            warnings.warn(lost, QcompressWarning, stacklevel=2)
        published(whole, asked)
    seconds = time.monotonic() - started
    return f"{work.rows} rows in {seconds:.1f} s ({work.rows / seconds:.3g} rows/s), written to {asked.target}"


def check_target(asked: Asked, paths: Sequence[Path]) -> None:
    """Raises QcompressError for an output, as `asked`, that is there already, or is, or would be, part of the input.

    paths: the input files.
    """
    target = asked.target
    if target.is_dir():
        raise QcompressError(f"{target}: is a folder; give a file to write")
    if target.resolve() in {path.resolve() for path in paths}:
        raise QcompressError(f"{target}: is part of the input; give another output file")
    inside = asked.source.is_dir() and target.resolve().parent == asked.source.resolve()
    if inside or (not asked.source.exists() and target.resolve().match(os.path.abspath(asked.source))):
        raise QcompressError(f"{target}: would be part of the input {asked.source}; give a file elsewhere")
    refuse_finished(asked)


def refuse_finished(asked: Asked) -> None:
    """Raises QcompressError for an output, as `asked`, that is there already and is not to be replaced."""
    if asked.target.exists() and not asked.replace:
        raise QcompressError(f"{asked.target}: is there already; --replace writes it anew")


def published(whole: Path, asked: Asked) -> None:
    """Give the file `whole` the name of the output, as `asked`; one that has appeared meanwhile is not overwritten.

    Raises QcompressError for that one, and where the name cannot be given.
    """
    target = asked.target.resolve()
    try:
        if asked.replace or not _linked(whole, target):
            refuse_finished(asked)
            whole.replace(target)
    except FileExistsError:
        said = "has appeared while it was computed; move it and run the command again, or give --replace"
        raise QcompressError(f"{asked.target}: {said}") from None
    except OSError as fault:
        raise QcompressError(f"{asked.target}: cannot be written ({fault.strerror})") from None


def _linked(whole: Path, target: Path) -> bool:
    """Whether the file has a second name now; some file systems have no such. Raises FileExistsError, and no other."""
    try:
        os.link(whole, target)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True


def looked_at(asked: Asked, paths: Sequence[Path]) -> tuple[Work, Emulation, list[str]]:
    """What is to be computed, as it was asked, by what, and what the user should know.

    paths: the input files, of which metadata is read, and one row of each at most. Raises QcompressError.
    """
    if asked.codes and asked.quantize:
        raise QcompressError("--quantize-input is for real values, --codes takes integers: leave one of them out")
    emulation = Candidate.open(asked.candidate).emulation(asked.network, asked.stages, asked.threads)
    known, notes = columns_of(paths[0], asked.tree)
    bound = bindings(emulation.inputs, asked.inputs, known, paths[0])
    kept = kept_names(asked.keep)
    names = list(dict.fromkeys([*(name for each in bound for name in each.columns), *kept]))
    for name in names:
        named(known, name, paths[0])
    volume = volume_of(paths, names, asked.tree)
    columns = {column.name: column for column in volume.columns}
    for each in bound:
        check(each, columns, asked.codes, paths[0])
        notes += notes_of(each, columns, asked.codes)
    outputs = output_names(emulation.outputs, asked.output_columns)
    ports = {port.name: port for port in emulation.outputs}
    written = [
        *(columns[column]._replace(name=name, dtype=_written(columns[column])) for column, name in kept.items()),
        *(output_column(ports[output], name, emulation, asked.codes) for output, name in outputs.items()),
    ]
    _refuse_twice([column.name for column in written])
    check_written(written, asked.target)
    if emulation.compiled is None:
        notes.append("no C++ emulator runs here: the reference interpreter computes the same, much more slowly")
    elif emulation.converts_slowly and not asked.codes:
        notes.append("its emulator converts no real values: much slower than codes; compile it with this version")
    work = Work(
        *(asked.candidate.resolve(), asked.network, asked.stages, asked.codes, asked.quantize, volume, tuple(bound)),
        *(outputs, kept, tuple(written), emulation.stage.content_hash()),
        *(rows_of_a_block(volume.columns, written), rows_of_a_batch([*volume.columns, *written])),
    )
    return work, emulation, notes


def shared_out(asked: Asked, work: Work, done: Sequence[Span]) -> Share:
    """How the rows of the work that are not `done` are shared out; to one process where dask is not installed.

    asked: for how many partitions and threads.
    """
    left = gaps(work.rows, done)
    rows = sum(stop - first for first, stop in left)
    wanted = asked.partitions or default_partitions(rows, work.block_rows)
    spans = partitions(left, wanted, work.block_rows, work.volume.starts) if left else []
    cores = len(os.sched_getaffinity(0))
    processes = max(1, min(len(spans), cores)) if find_spec("distributed") else 1
    return Share(spans, processes, asked.threads or max(1, cores // processes))


def _written(column: Column) -> Any:
    """The type in the machine's byte order."""
    return None if column.dtype is None else column.dtype.newbyteorder("=")


def _refuse_twice(names: Sequence[str]) -> None:
    if twice := [name for name in names if names.count(name) > 1]:
        said = f"two columns of the output would be called {twice[0]}"
        raise QcompressError(f"{said}; rename one: --output-columns OUTPUT=NAME, --keep COLUMN=NAME")


def _computed(asked: Asked, work: Work, parts: Parts, share: Share, reporter: Reporter) -> Generator[Span, None, None]:
    """Compute the partitions, here or in other processes; gives each as it is finished."""
    rows = sum(stop - first for first, stop in share.spans)
    report, begun, done = reporter.task("emulate"), time.monotonic(), 0

    def told(more: int) -> None:
        nonlocal done
        done += more
        report(done, rows, f"{done / (time.monotonic() - begun):.3g} rows/s")

    if share.processes == 1 and asked.scheduler is None:
        found: Iterator[Span | str] = (compute(parts, share.threads, (work, span), told) for span in share.spans)
    else:
        jobs = [(work.within(span), span) for span in share.spans]
        found = dask_partitions.results(jobs, partial(compute, parts, share.threads), asked.scheduler, share.processes)
    for each in found:
        if isinstance(each, str):
            raise QcompressError(each)
        if share.processes > 1 or asked.scheduler is not None:
            told(each[1] - each[0])
        yield each
