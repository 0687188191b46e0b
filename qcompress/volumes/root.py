"""ROOT files: branches of a TTree, fields of an RNTuple; numbers, arrays, or vectors of one length."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.graph.ports import Shape
from qcompress.volumes.columns import RENAME, Arrays, Column, Misfit, Table, blocks, list_length

TREE = "qcompress"
"""Name of the tree that is written."""
NTUPLE = "ROOT::RNTuple"
KINDS = ("TTree", NTUPLE)


class RootSource:
    """A tree of an opened ROOT file; a Source."""

    def __init__(self, tree: Any, notes: Sequence[str]) -> None:
        self._tree = tree
        self.notes = notes
        self.columns: Mapping[str, Column] = {name: _column(tree, name) for name in tree.keys(recursive=False)}

    def rows(self, names: Sequence[str]) -> int:
        """Entries of the tree, which branches of all names have."""
        return int(self._tree.num_entries)

    def starts(self) -> Sequence[int]:
        """Any entry: baskets and pages are small."""
        return ()

    def batches(self, columns: Sequence[Column], first: int, stop: int, rows: int) -> Iterator[Arrays]:
        """Rows first..stop of the columns, so many `rows` at a time."""
        names = [column.name for column in columns]
        at = first
        for part in self._tree.iterate(names, entry_start=first, entry_stop=stop, step_size=rows, library="ak"):
            yield {column.name: _array(part[column.name], column, at) for column in columns}
            at += len(part)


@contextmanager
def opened(path: Path, tree: str | None) -> Iterator[RootSource]:
    """The only tree of the file at `path`, or the one that is called `tree`; of several cycles the newest."""
    import uproot

    try:
        with uproot.open(path) as file:
            yield RootSource(*_chosen(path, file, tree))
    except (QcompressError, GeneratorExit):
        raise
    except Exception as fault:  # uproot raises its own, and those of its decompressors
        said = " ".join(str(fault).split())[:200]
        raise QcompressError(f"{path}: not a readable ROOT file ({type(fault).__name__}: {said})") from None


def check(columns: Sequence[Column], path: Path) -> None:
    """Raises QcompressError for columns that are no branches of a tree at `path`."""
    for column in columns:
        if not column.name.isidentifier():
            raise QcompressError(f"{path}: {column.name!r} is no name for a branch; {RENAME}")
        if column.dtype == np.float16:
            raise QcompressError(f"{path}: column {column.name} is float16, which trees do not hold; name it .parquet")


def write(file: BinaryIO, table: Table, path: Path) -> None:
    """A TTree of a branch a column, a basket a block: entry for entry a friend of the tree that was read.

    file: an empty one, at `path` later; table: what is written.
    """
    _write(file, table, path, "mktree")


def write_ntuple(file: BinaryIO, table: Table, path: Path) -> None:
    """An RNTuple of a field a column; file, table and path as for `write`."""
    _write(file, table, path, "mkrntuple")


def _write(file: BinaryIO, table: Table, path: Path, maker: str) -> None:
    import uproot

    types = {column.name: np.dtype((column.dtype, column.shape or ())) for column in table.columns}
    with uproot.recreate(_LeftOpen(file), compression=uproot.ZSTD(1)) as made:
        tree = getattr(made, maker)(TREE, types)
        for first, stop in blocks(table):
            tree.extend({column.name: table.read(column.name, first, stop) for column in table.columns})


class _LeftOpen:
    """A file that uproot cannot close."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def close(self) -> None:
        """Leave it open, for its owner."""


def _chosen(path: Path, file: Any, wanted: str | None) -> tuple[Any, list[str]]:
    """The tree, and what there is to say of the choice."""
    cycles: dict[str, list[int]] = {}
    for key, kind in file.classnames(recursive=True).items():
        if kind in KINDS:
            name, _, cycle = key.rpartition(";")
            cycles.setdefault(name, []).append(int(cycle))
    if not cycles:
        raise QcompressError(f"{path}: no tree in it")
    told = ", ".join(sorted(cycles))
    if wanted is None and len(cycles) > 1:
        raise QcompressError(f"{path}: holds several trees ({told}); choose one with --tree")
    name = next(iter(cycles)) if wanted is None else wanted.partition(";")[0]
    if name not in cycles:
        raise QcompressError(f"{path}: no tree {name} in it; it holds {told}")
    if wanted is not None and ";" in wanted:
        if wanted.partition(";")[2] not in map(str, cycles[name]):
            raise QcompressError(f"{path}: no tree {wanted} in it; {name} has the cycles {_listed(cycles[name])}")
        return file[wanted], []
    newest = max(cycles[name])
    notes = [f"tree {name}: cycle {newest}, the newest of {_listed(cycles[name])}"] if len(cycles[name]) > 1 else []
    return file[f"{name};{newest}"], notes


def _listed(cycles: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(cycles)))


def _column(tree: Any, name: str) -> Column:
    """What a branch or a field holds; no numbers for what is not an array of them."""
    import uproot

    branch = tree[name]
    kind = str(branch.typename)
    if not isinstance(branch, uproot.TBranch):
        return _field_column(tree, name, kind)
    found, shape = branch.interpretation, None
    if isinstance(found, uproot.AsJagged):
        found = found.content
    if not isinstance(found, uproot.AsDtype):
        return Column(name, kind, None, None)
    dtype = found.to_dtype
    if not isinstance(branch.interpretation, uproot.AsJagged):
        shape = dtype.shape
    elif dtype.shape:
        return Column(name, kind, None, None)
    return Column(name, kind, dtype.base if dtype.base.kind in "biuf" else None, shape)


def _field_column(tree: Any, name: str, kind: str) -> Column:
    """Of an RNTuple: the type of no entries of it."""
    import awkward

    form = awkward.to_layout(tree.arrays([name], entry_stop=0, library="ak")[name]).form
    shape: Shape | None = ()
    while form.is_regular or form.is_list:
        shape = (*shape, form.size) if form.is_regular and shape is not None else None
        form = form.content
    if not form.is_numpy:
        return Column(name, kind, None, None)
    dtype = np.dtype(form.primitive)
    shape = None if shape is None else (*shape, *form.inner_shape)
    return Column(name, kind, dtype if dtype.kind in "biuf" else None, shape)


def _array(values: Any, column: Column, first: int) -> npt.NDArray[Any]:
    """Awkward's array -> (rows, *shape) in the machine's byte order."""
    import awkward

    layout, shape = awkward.to_layout(values), list[int]()
    rows = len(layout)
    while not layout.is_numpy:
        if layout.is_option:
            raise Misfit(column.name, first, "or one behind it may be empty: optional fields are not read")
        if layout.is_indexed:
            layout = layout.project()
            continue
        lengths = np.asarray(awkward.num(layout, axis=1, highlevel=False).data) if len(layout) else np.zeros(0, int)
        shape.append(list_length(lengths, column.shape, shape, column.name, first))
        layout = awkward.flatten(layout, axis=1, highlevel=False)
    found = np.asarray(layout.data)
    return found.reshape(rows, *shape, *found.shape[1:]).astype(found.dtype.newbyteorder("="), copy=False)
