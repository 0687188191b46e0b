"""Models by name and version, and how they are replaced."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.services import QUICK, codes_of, encoder, expected, make, pair

from qcompress.candidate import Candidate
from qcompress.errors import QcompressError
from qcompress.serving.faults import Reason, RequestFault
from qcompress.serving.repository import Repository
from qcompress.serving.sources import Source


def loaded(*folders, changed=lambda repository: None):
    repository = Repository([Source(str(folder)) for folder in folders], rows=100, changed=changed)
    repository.load()
    return repository


def own_libraries():
    """What this process has mapped of copies of libraries."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line.split()[-2] for line in lines if "qcompress-serve-" in line}


def test_what_has_not_changed_is_not_loaded_again(three):
    repository = loaded(three)
    before, mapped = repository.models(), own_libraries()
    assert mapped
    assert repository.reload() == []
    assert repository.reload("pair") == []
    assert all(old.emulation is new.emulation for old, new in zip(before, repository.models(), strict=True))
    assert own_libraries() == mapped


def test_what_is_compiled_by_now_takes_the_place_of_the_interpreter(tmp_path):
    folder, graph = make(tmp_path / "a", [encoder()], compiled=False), encoder()
    repository = loaded(folder)
    assert repository.find("encoder").emulation.compiled is None
    QUICK.build(graph, folder / "cpp" / "encoder")
    assert repository.reload("encoder") == ["encoder version 1", "encoder.codes version 1"]
    model, codes = repository.find("encoder.codes"), codes_of(graph, 5)
    assert model.emulation.compiled is not None
    found = model.compute({"image": codes["image"].astype(np.uint8)})["latent"]
    assert np.array_equal(found, expected(graph, codes, False)["latent"])


def test_other_networks_are_no_replacement(tmp_path):
    folder, seen = make(tmp_path / "a", [encoder(1)], compiled=False), []
    repository = loaded(folder, changed=lambda repository: seen.append(len(repository.models())))
    before = repository.models()
    pair().save(folder / "graph" / "pair")
    with pytest.raises(QcompressError, match="has other networks than before"):
        repository.reload()
    shutil.rmtree(folder / "graph" / "encoder")
    with pytest.raises(QcompressError, match="has other networks than before"):
        repository.reload()
    assert repository.models() == before
    assert seen == [2]


def test_versions_are_in_the_order_of_the_candidates(tmp_path):
    graphs = [encoder(seed) for seed in range(3)]
    folders = [make(tmp_path / str(seed), [graph], compiled=False) for seed, graph in enumerate(graphs)]
    repository = loaded(*folders)
    assert repository.versions("encoder") == ["1", "2", "3"]
    for number, graph in enumerate(graphs, 1):
        assert repository.find("encoder", str(number)).content_hash == graph.content_hash()
    assert repository.find("encoder").version == "3"
    for name, version, said in (
        ("encoder", "4", "has no version '4'; there are 1, 2, 3"),
        ("encoder", "01", "has no version '01'"),
        ("none", "", "no model 'none'; there are encoder, encoder.codes"),
    ):
        with pytest.raises(RequestFault) as fault:
            repository.find(name, version)
        assert said in str(fault.value)
        assert fault.value.reason is Reason.UNKNOWN


def test_what_is_unloaded_is_listed_so(tmp_path):
    repository = loaded(make(tmp_path / "a", [encoder()], compiled=False))
    repository.unload("encoder")
    with pytest.raises(RequestFault, match="model encoder is unloaded") as fault:
        repository.find("encoder")
    assert fault.value.reason is Reason.UNKNOWN  # a client need not try again
    assert [each["state"] for each in repository.index()] == ["UNAVAILABLE", "READY"]
    assert [each["name"] for each in repository.index(ready=True)] == ["encoder.codes"]
    assert repository.reload() == []
    assert [model.name for model in repository.models()] == ["encoder.codes"]
    assert repository.reload("encoder") == []
    assert repository.find("encoder").name == "encoder"


def test_the_folder_of_a_candidate_is_not_written_to(three):
    before = {path: path.stat().st_mtime_ns for path in three.rglob("*")}
    loaded(three).reload()
    assert {path: path.stat().st_mtime_ns for path in three.rglob("*")} == before
    assert Candidate.open(three).graphs()
