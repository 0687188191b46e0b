"""Files of columns through a network: every format in and out, any partitions, killed and taken up, faults."""

import hashlib
import os
import re
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
from helpers.column_files import WRITERS, codes_of, read, write_hdf5, write_npz, write_parquet
from helpers.paths import ROOT
from rich.console import Console

from qcompress.errors import QcompressError, QcompressWarning
from qcompress.progress import Reporter
from qcompress.targets.cpp.emulator import native_dtype
from qcompress.volumes import announcement, computing, plan, running
from qcompress.volumes.asked import Asked
from qcompress.volumes.running import emulate

ROWS = 300
OUTPUTS = ("out.parquet", "out.npz", "out.h5", "out.root", "out_ntuple.root")


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    """Small blocks, in this process."""
    monkeypatch.setattr(plan, "BLOCK_ROWS", 32)
    monkeypatch.setattr(running.os, "sched_getaffinity", lambda process: {0})


def emulated(candidate, source, target, **asked):
    """What is printed, and what is written."""
    with open(os.devnull, "w") as nowhere, Reporter(Console(file=nowhere, record=True)) as reporter:
        line = emulate(Asked(candidate, source, target, **asked), reporter)
        return reporter.console.export_text() + line


def expected(graph, codes, values):
    found = graph.run(codes)
    return graph.output_values(found) if values else found


@pytest.mark.parametrize("values", [False, True], ids=["codes", "values"])
@pytest.mark.parametrize("form", WRITERS)
def test_every_format_gives_every_format_what_the_graph_gives(pair, pair_candidate, form, values, tmp_path):
    name, write = WRITERS[form]
    codes = codes_of(pair, ROWS)
    given = {port.name: port.format.to_values(codes[port.name]).astype("f4") for port in pair.input_ports}
    event = np.arange(ROWS, dtype=np.int64) * 7
    write(tmp_path / name, {**(given if values else codes), "event": event})
    for output in OUTPUTS:
        asked = {"codes": not values, "keep": "event", "ntuple": "ntuple" in output}
        emulated(pair_candidate, tmp_path / name, tmp_path / output, **asked)
        found = read(tmp_path / output)
        assert list(found) == ["event", "latent", "score"]
        assert (found["event"] == event).all()
        wanted = expected(pair, codes, values)
        assert found["latent"].shape == (ROWS, 4)
        assert (found["latent"] == wanted["latent"]).all()
        assert (found["score"] == wanted["score"][:, 0]).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, *OUTPUTS])


def test_values_on_no_grid_are_taken_if_that_is_asked_for_and_what_is_cut_is_counted(pair, pair_candidate, tmp_path):
    rng = np.random.default_rng(4)
    given = {port.name: rng.normal(0, 9, (ROWS, *port.shape)).astype("f4") for port in pair.input_ports}
    write_npz(tmp_path / "in.npz", given)
    with pytest.raises(QcompressError, match="quantize them; --quantize-input does, to nearest, halves to even, cut"):
        emulated(pair_candidate, tmp_path / "in.npz", tmp_path / "out.npz")
    with pytest.raises(QcompressError, match="leave one of them out"):
        emulated(pair_candidate, tmp_path / "in.npz", tmp_path / "out.npz", quantize=True, codes=True)
    with pytest.warns(QcompressWarning, match=r"(\d+) of \d+ of image") as near:
        wanted = pair.predict(given, quantize_input=True)
    cut = re.search(r"(\d+) of \d+ of image", str(near[0].message))[1]
    with pytest.warns(QcompressWarning, match=f"in.npz: {cut} input values are beyond the ends of"):
        said = emulated(pair_candidate, tmp_path / "in.npz", tmp_path / "out.npz", quantize=True, partitions=3)
    assert "real values, to nearest, halves to even, cut at the ends of the format, of image" in " ".join(said.split())
    assert (read(tmp_path / "out.npz")["latent"] == wanted["latent"]).all()


def test_types_of_the_output_are_the_narrowest(pair, pair_candidate, tmp_path):
    codes = codes_of(pair, 5)
    write_npz(tmp_path / "in.npz", codes)
    emulated(pair_candidate, tmp_path / "in.npz", tmp_path / "a.npz", codes=True)
    assert [array.dtype for array in read(tmp_path / "a.npz").values()] == [
        native_dtype(port.format) for port in pair.output_ports
    ]
    write_npz(tmp_path / "in.npz", {name: array // 8 for name, array in codes.items()})
    said = emulated(pair_candidate, tmp_path / "in.npz", tmp_path / "b.npz")
    for name in codes:
        assert f"note: column {name} holds integers, taken as real values; --codes" in " ".join(said.split())
    assert [array.dtype for array in read(tmp_path / "b.npz").values()] == [np.float32] * 2


@pytest.mark.parametrize("form", ["parquet", "root"])
def test_lists_of_one_length_and_columns_of_single_numbers_are_taken(pair, pair_candidate, form, tmp_path):
    codes = codes_of(pair, ROWS)
    source = tmp_path / WRITERS[form][0]
    pixels = {f"pix_{k}": codes["image"].reshape(ROWS, 6)[:, k] for k in range(6)}
    lists = {"pixels_list": codes["image"].reshape(ROWS, 6), "w": codes["weight"][:, 0]}
    WRITERS[form][1](source, pixels | lists)
    for told in ("image=pixels_list", "image=pix_0..pix_5", "image=pix_0..5", "image=pix_0,pix_1,pix_2..pix_5"):
        emulated(pair_candidate, source, tmp_path / "out.npz", codes=True, inputs=(told, "weight=w"), replace=True)
        assert (read(tmp_path / "out.npz")["latent"] == pair.run(codes)["latent"]).all()


def test_outputs_are_chosen_and_named(pair, pair_candidate, tmp_path):
    codes = codes_of(pair, ROWS)
    write_hdf5(tmp_path / "in.h5", codes)
    emulated(pair_candidate, tmp_path / "in.h5", tmp_path / "out.npy", codes=True, output_columns="latent")
    assert (np.load(tmp_path / "out.npy") == pair.run(codes)["latent"]).all()
    asked = {"codes": True, "output_columns": "score=s,latent", "keep": "weight=w"}
    emulated(pair_candidate, tmp_path / "in.h5", tmp_path / "out.npz", **asked)
    assert list(read(tmp_path / "out.npz")) == ["w", "s", "latent"]


def test_what_cannot_be_written_is_said_before_anything_is_computed(pair, pair_candidate, tmp_path, monkeypatch):
    write_npz(tmp_path / "in.npz", codes_of(pair, 3) | {"h": np.zeros(3, np.float16)})
    monkeypatch.setattr(running, "compute", None)
    for output, given in (("a.root", {"keep": "h"}), ("a.h5", {"output_columns": "latent=a,score=a/b"})):
        with pytest.raises(QcompressError, match=r"column h is float16|'a' is a dataset"):
            emulated(pair_candidate, tmp_path / "in.npz", tmp_path / output, codes=True, **given)
    assert [path.name for path in tmp_path.iterdir()] == ["in.npz"]


def test_files_of_a_folder_and_of_a_pattern_follow_each_other(pair, pair_candidate, tmp_path):
    (tmp_path / "in").mkdir()
    parts = [codes_of(pair, rows, seed=rows) for rows in (50, 1, 120)]
    for k, part in enumerate(parts):
        write_parquet(tmp_path / "in" / f"{k}.parquet", part, row_group=45)
    wanted = np.concatenate([pair.run(part)["latent"] for part in parts])
    for source in (tmp_path / "in", tmp_path / "in" / "*.parquet"):
        said = emulated(pair_candidate, source, tmp_path / "out.npz", codes=True, replace=True, partitions=4)
        assert "171 rows of 3 files" in said
        assert (read(tmp_path / "out.npz")["latent"] == wanted).all()


def test_no_rows_give_a_file_without_rows(pair, pair_candidate, tmp_path):
    write_npz(tmp_path / "in.npz", codes_of(pair, 0))
    for output in OUTPUTS:
        emulated(pair_candidate, tmp_path / "in.npz", tmp_path / output, codes=True, ntuple="ntuple" in output)
        assert len(read(tmp_path / output)["latent"]) == 0


@pytest.mark.parametrize("output", [*OUTPUTS, "out.npy"])
def test_any_number_of_partitions_gives_the_same_bytes(pair, pair_candidate, output, tmp_path):
    """Of a ROOT file, what is in it: uproot writes the time, and a UUID of its own, into every file."""
    write_parquet(tmp_path / "in.parquet", codes_of(pair, ROWS), row_group=40)
    found = []
    for partitions in (1, 2, 5):
        asked = {"codes": True, "partitions": partitions, "ntuple": "ntuple" in output, "replace": True}
        said = emulated(pair_candidate, tmp_path / "in.parquet", tmp_path / output, output_columns="latent", **asked)
        assert f"{partitions} partition" in said
        data = (tmp_path / output).read_bytes()
        content = (len(data), read(tmp_path / output)["latent"].tobytes()) if output.endswith(".root") else data
        found.append(hashlib.sha256(repr(content).encode()).hexdigest())
    assert len(set(found)) == 1


def interrupted(pair_candidate, source, target, monkeypatch, after):
    """A call that ends for no fault of the user's after some of its 5 partitions."""
    own, calls = running.compute, []

    def once_more(*given):
        if len(calls) == after:
            raise KeyboardInterrupt
        calls.append(given[2][1])
        return own(*given)

    monkeypatch.setattr(running, "compute", once_more)
    with pytest.raises(KeyboardInterrupt):
        emulated(pair_candidate, source, target, codes=True, partitions=5)
    monkeypatch.setattr(running, "compute", own)
    assert not target.exists()
    return calls


def test_an_interrupted_call_goes_on_and_computes_nothing_twice(pair, pair_candidate, tmp_path, monkeypatch):
    source, target, parts = tmp_path / "in.npz", tmp_path / "out.parquet", tmp_path / "out.parquet.parts"
    write_npz(source, codes_of(pair, ROWS))
    emulated(pair_candidate, source, tmp_path / "whole.parquet", codes=True)
    interrupted(pair_candidate, source, target, monkeypatch, 3)
    first, second, third = sorted(parts.glob("*.part"))
    second.write_bytes(bytes(len(second.read_bytes())))  # damaged: of the right length, with other numbers
    third.with_suffix(".json").unlink()  # killed before it was recorded
    said = emulated(pair_candidate, source, target, codes=True, partitions=2)
    assert f"{int(first.name.split('-')[1][:-5])} rows of {ROWS} lie in {parts} already" in said
    assert target.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not parts.exists()


def test_parts_of_another_plan_are_refused_unless_replaced(pair, pair_candidate, tmp_path, monkeypatch):
    source, target = tmp_path / "in.npz", tmp_path / "out.npz"
    write_npz(source, codes_of(pair, ROWS))
    interrupted(pair_candidate, source, target, monkeypatch, 2)
    for changed, key in (({"output_columns": "score"}, "--output-columns"), ({"codes": False}, "--codes")):
        with pytest.raises(QcompressError, match=rf"parts of another run: .*{key}.* differ; --replace begins anew"):
            emulated(pair_candidate, source, target, **{"codes": True, **changed})
    again = codes_of(pair, ROWS, seed=8)
    write_npz(source, again)
    with pytest.raises(QcompressError, match="the input files differ"):
        emulated(pair_candidate, source, target, codes=True)
    emulated(pair_candidate, source, target, codes=True, replace=True)
    assert (read(target)["latent"] == pair.run(again)["latent"]).all()


def test_a_folder_of_the_users_is_not_touched(pair, pair_candidate, tmp_path):
    write_npz(tmp_path / "in.npz", codes_of(pair, 3))
    (tmp_path / "out.npz.parts").mkdir()
    for name, text in (("notes.txt", "mine"), ("plan.json", '{"my": "plan"}')):
        mine = tmp_path / "out.npz.parts" / name
        mine.write_text(text)
        with pytest.raises(QcompressError, match=r"out\.npz\.parts: holds other files than parts of this output"):
            emulated(pair_candidate, tmp_path / "in.npz", tmp_path / "out.npz", codes=True, replace=True)
        assert mine.read_text() == text
        mine.unlink()


def test_nothing_finished_is_replaced_unasked(pair, pair_candidate, tmp_path):
    write_npz(tmp_path / "in.npz", codes_of(pair, 3))
    (tmp_path / "out.npz").write_text("mine")
    with pytest.raises(QcompressError, match=r"out\.npz: is there already; --replace writes it anew"):
        emulated(pair_candidate, tmp_path / "in.npz", tmp_path / "out.npz", codes=True)
    assert (tmp_path / "out.npz").read_text() == "mine"


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("replaced", [False, True], ids=["", "replace"])
def test_an_output_that_appears_meanwhile_is_not_overwritten_unasked(
    pair, pair_candidate, tmp_path, monkeypatch, links, replaced
):
    source, target, own = tmp_path / "in.npz", tmp_path / "out.npz", running.compute
    write_npz(source, codes_of(pair, 3))

    def compute(*given):
        target.write_text("mine")
        return own(*given)

    def no_link(*given):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(running, "compute", compute)
    if not links:
        monkeypatch.setattr(running.os, "link", no_link)
    if not replaced:
        with pytest.raises(QcompressError, match=r"out\.npz: (has appeared while it was|is there already)"):
            emulated(pair_candidate, source, target, codes=True)
        assert target.read_text() == "mine"
        target.unlink()
        monkeypatch.setattr(running, "compute", own)
    said = emulated(pair_candidate, source, target, codes=True, replace=replaced)
    assert replaced or f"3 rows of 3 lie in {target}.parts already" in said
    assert len(read(target)["latent"]) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.npz", "out.npz"]


def test_an_output_that_another_call_has_just_written_is_refused(pair, pair_candidate, tmp_path, monkeypatch):
    """It appears behind the first look, before the folder of parts is this call's."""
    source, target, own = tmp_path / "in.npz", tmp_path / "out.npz", running.looked_at
    write_npz(source, codes_of(pair, 3))

    def looked_at(*given):
        target.write_text("mine")
        return own(*given)

    monkeypatch.setattr(running, "looked_at", looked_at)
    monkeypatch.setattr(running, "compute", None)
    with pytest.raises(QcompressError, match=r"out\.npz: is there already; --replace writes it anew"):
        emulated(pair_candidate, source, target, codes=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.npz", "out.npz"]


def test_an_output_among_the_input_is_refused(pair, pair_candidate, tmp_path):
    write_npz(tmp_path / "in.npz", codes_of(pair, 3))
    for source, target in (("in.npz", "in.npz"), (".", "out.npz"), ("*.npz", "out.npz")):
        with pytest.raises(QcompressError, match="part of the input"):
            emulated(pair_candidate, tmp_path / source, tmp_path / target, codes=True, replace=True)
    (tmp_path / "elsewhere").mkdir()
    emulated(pair_candidate, tmp_path / "*.npz", tmp_path / "elsewhere" / "out.npz", codes=True)


@pytest.mark.parametrize("output", ["out.parquet", "out.npz", "out.h5", "out.root"])
def test_a_full_disk_is_one_line_and_leaves_no_output(pair, pair_candidate, output, tmp_path, monkeypatch):
    codes = codes_of(pair, 20_000)
    write_npz(tmp_path / "in.npz", codes)
    monkeypatch.setattr(plan, "BLOCK_ROWS", 4096)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(QcompressError, match=r"cannot be written \(.*File too large"):
            emulated(pair_candidate, tmp_path / "in.npz", tmp_path / output, codes=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["in.npz"]


def test_without_a_compiler_the_reference_runs_and_that_is_said(pair, pair_candidate, tmp_path, monkeypatch):
    from qcompress.candidate import Candidate

    codes = codes_of(pair, ROWS)
    write_npz(tmp_path / "in.npz", codes)
    monkeypatch.setattr(Candidate, "_compiled", lambda *given: None)
    monkeypatch.setattr(computing, "OPENED", {})
    said = emulated(pair_candidate, tmp_path / "in.npz", tmp_path / "out.npz", codes=True)
    assert "no C++ emulator runs here: the reference interpreter computes the same" in said
    assert (read(tmp_path / "out.npz")["latent"] == pair.run(codes)["latent"]).all()


def test_without_dask_one_process_computes_all_partitions(pair, pair_candidate, tmp_path, monkeypatch):
    write_npz(tmp_path / "in.npz", codes_of(pair, ROWS))
    monkeypatch.setattr(running.os, "sched_getaffinity", lambda process: {0, 1})
    for module in (running, announcement):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    said = emulated(pair_candidate, tmp_path / "in.npz", tmp_path / "out.npz", codes=True, partitions=3)
    assert "3 partitions of blocks of 32 rows, 1 process of 2 threads (dask, which shares them out, is of" in said


def test_trees_are_chosen_by_name_and_by_cycle(pair, pair_candidate, tmp_path):
    import uproot

    parts = [codes_of(pair, rows, seed=rows) for rows in (3, 4, 5)]
    with uproot.recreate(tmp_path / "in.root") as file:
        for name, part in zip(("a", "a", "b"), parts, strict=True):
            file.mktree(name, {key: np.dtype((value.dtype, value.shape[1:])) for key, value in part.items()})
            file[name].extend(part)
    with pytest.raises(QcompressError, match=r"several trees \(a, b\); choose one with --tree"):
        emulated(pair_candidate, tmp_path / "in.root", tmp_path / "out.npz", codes=True)
    for tree, part in (("a", 1), ("a;1", 0), ("b", 2)):
        asked = {"codes": True, "tree": tree, "replace": True}
        said = emulated(pair_candidate, tmp_path / "in.root", tmp_path / "out.npz", **asked)
        assert ("cycle 2, the newest of 1, 2" in said) == (tree == "a")
        assert (read(tmp_path / "out.npz")["latent"] == pair.run(parts[part])["latent"]).all()
    for tree in ("c", "a;9"):
        with pytest.raises(QcompressError, match=f"no tree {tree} in it"):
            emulated(pair_candidate, tmp_path / "in.root", tmp_path / "x.npz", codes=True, tree=tree)


KILLED = """
import os, sys
from qcompress.cli import main
from qcompress.volumes import plan, running

plan.BLOCK_ROWS, own, how = 32, running.dask_partitions.results, sys.argv[1]


def results(*given):
    for number, each in enumerate(own(*given)):
        yield each
        if number == 1 and how == "killed":
            os.kill(os.getpid(), 9)


running.dask_partitions.results = results
sys.argv[:2] = ["qcompress"]
main()
"""


def test_a_killed_command_of_several_processes_goes_on(pair, pair_candidate, tmp_path):
    """What was finished is not computed again; the bytes are those of one process."""
    write_npz(tmp_path / "in.npz", codes_of(pair, ROWS))
    target = tmp_path / "out.parquet"
    command = ["emulate", pair_candidate, tmp_path / "in.npz", target, "--codes", "--partitions", "8"]

    def run(how):
        given = [sys.executable, "-c", KILLED, how, *map(str, command)]
        return subprocess.run(given, cwd=ROOT, capture_output=True, text=True, check=False)

    assert run("killed").returncode == -signal.SIGKILL
    assert not target.exists()
    assert len(list(tmp_path.glob("out.parquet.parts/*.part"))) >= 2
    done = run("again")
    assert done.returncode == 0, done.stderr
    assert f"of {ROWS} lie in {target}.parts already" in done.stdout
    emulated(pair_candidate, tmp_path / "in.npz", tmp_path / "whole.parquet", codes=True)
    assert target.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.npz", "out.parquet", "whole.parquet"]


def test_a_fault_in_another_process_and_no_scheduler_are_said(pair, pair_candidate, tmp_path, monkeypatch):
    codes = codes_of(pair, ROWS)
    codes["weight"][200] = 77
    write_npz(tmp_path / "in.npz", codes)
    source, target = tmp_path / "in.npz", tmp_path / "out.npz"
    monkeypatch.setattr(running.os, "sched_getaffinity", lambda process: {0, 1})
    with pytest.raises(QcompressError, match=r"in\.npz: column weight, row 200 \(from 0\): 77 is outside ufixed<4,2>"):
        emulated(pair_candidate, source, target, codes=True, partitions=3)
    with pytest.raises(QcompressError, match="no dask scheduler answers"):
        emulated(pair_candidate, source, tmp_path / "b.npz", codes=True, scheduler="nowhere:/1")
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == ["in.npz"]
