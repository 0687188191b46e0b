"""Files of columns written and read by the libraries of their formats, and a candidate to run on them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.candidate import Candidate
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Add, Dense, Flatten, Graph, Input, Node, Relu
from qcompress.targets.cpp.emulator import Cpp

DESCRIPTION: dict[str, Any] = {
    "name": "a",
    "detector": None,
    "config": None,
    "seed": 0,
    "versions": {},
    "front_end": {},
    "targets": {},
}
IMAGE, WEIGHT = Format(True, 7, 5), Format(False, 4, 2)
Arrays = Mapping[str, np.ndarray[Any, Any]]


def two_in_two_out() -> Graph:
    """Inputs image (2, 3), exact, and weight (1,), quantized; outputs latent (4,) and score (1,)."""
    rng = np.random.default_rng(5)
    latents = Dense(
        rng.integers(-8, 8, (6, 4)), Format(True, 4, 2), np.arange(4), Format(True, 8, 4), Format(True, 14, 8)
    )
    score = Dense(rng.integers(-8, 8, (4, 1)), Format(True, 4, 2), np.zeros(1, int), WEIGHT, Format(True, 20, 12))
    nodes = (
        Node("flat", Flatten(), "image"),
        Node("latents", latents, "flat"),
        Node("positive", Relu(), "latents"),
        Node("sum", score, "positive"),
        Node("weighted", Add(), "sum", "weight"),
    )
    saturated = Cast(WEIGHT, Rounding.RND_CONV, Overflow.SAT)
    inputs = (Input("image", (2, 3), IMAGE), Input("weight", (1,), WEIGHT, saturated))
    return Graph.of("pair", inputs, nodes, {"latent": "latents", "score": "weighted"})


def make_candidate(folder: Path, graph: Graph) -> Path:
    """A compiled candidate of one graph."""
    made = Candidate.create(folder, DESCRIPTION)
    graph.save(made.folder / "graph" / graph.name)
    Cpp(optimization="1").build(graph, made.folder / "cpp" / graph.name)
    return folder


def codes_of(graph: Graph, rows: int, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Random codes of every input, of int8 and uint8."""
    rng = np.random.default_rng(seed)
    return {
        port.name: rng.integers(port.format.min_code, port.format.max_code + 1, (rows, *port.shape)).astype(
            np.int8 if port.format.signed else np.uint8
        )
        for port in graph.input_ports
    }


def write_parquet(path: Path, arrays: Arrays, row_group: int = 100) -> None:
    """Lists of fixed sizes, or of any where the column's name ends with _list."""
    import pyarrow
    import pyarrow.parquet

    made = {}
    for name, array in arrays.items():
        column = pyarrow.array(array.reshape(-1))
        for size in reversed(array.shape[1:]):
            if name.endswith("_list"):
                column = pyarrow.ListArray.from_arrays(np.arange(0, len(column) + 1, size, dtype=np.int32), column)
            else:
                column = pyarrow.FixedSizeListArray.from_arrays(column, size)
        made[name] = column
    pyarrow.parquet.write_table(pyarrow.table(made), path, row_group_size=row_group)


def write_npz(path: Path, arrays: Arrays) -> None:
    """Not compressed."""
    np.savez(path, allow_pickle=False, **arrays)


def write_npy(path: Path, arrays: Arrays) -> None:
    """One structured array."""
    rows = len(next(iter(arrays.values())))
    table = np.empty(rows, [(name, array.dtype, array.shape[1:]) for name, array in arrays.items()])
    for name, array in arrays.items():
        table[name] = array
    np.save(path, table)


def write_hdf5(path: Path, arrays: Arrays) -> None:
    """Datasets at the top."""
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


def write_root(path: Path, arrays: Arrays) -> None:
    """A TTree of fixed arrays, or of vectors where the column's name ends with _list."""
    import awkward
    import uproot

    types: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for name, array in arrays.items():
        if name.endswith("_list"):
            counts = np.full(len(array), array[0].size)
            types[name], data[name] = f"var * {array.dtype}", awkward.unflatten(array.reshape(-1), counts)
            data[f"n{name}"] = counts.astype(np.int32)
        else:
            types[name], data[name] = np.dtype((array.dtype, array.shape[1:])), array
    with uproot.recreate(path) as file:
        file.mktree("events", types).extend(data)


def write_ntuple(path: Path, arrays: Arrays) -> None:
    """An RNTuple."""
    import uproot

    with uproot.recreate(path) as file:
        made = file.mkrntuple("events", {n: np.dtype((a.dtype, a.shape[1:])) for n, a in arrays.items()})
        made.extend(dict(arrays))


WRITERS: dict[str, tuple[str, Callable[[Path, Arrays], None]]] = {
    "parquet": ("in.parquet", write_parquet),
    "npz": ("in.npz", write_npz),
    "npy": ("in.npy", write_npy),
    "hdf5": ("in.h5", write_hdf5),
    "root": ("in.root", write_root),
    "ntuple": ("in_ntuple.root", write_ntuple),
}
"""Name of a format -> name of a file of it, what writes it."""


def read(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """All columns of a file that qcompress wrote, by the library of its format."""
    if path.suffix == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        return {name: np.array(table[name].to_pylist()) for name in table.column_names}
    if path.suffix == ".npy":
        return {"array": np.load(path)}
    if path.suffix == ".npz":
        with np.load(path) as file:
            return dict(file)
    if path.suffix == ".root":
        import awkward
        import uproot

        with uproot.open(path) as file:
            (tree,) = (file[key] for key in file)
            arrays = tree.arrays(library="ak")
            return {name: awkward.to_numpy(arrays[name]) for name in arrays.fields}
    import h5py

    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}
