"""The versions of hls4ml by their headers."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.hls4ml_texts import project

from qcompress.errors import Refused
from qcompress.frontends.hls4ml_project import FRONT_END
from qcompress.frontends.hls4ml_project.files import Project
from qcompress.frontends.hls4ml_project.kernels import FOLDER, HEADERS, LAST, digest, kernels_of

TEMPLATES = {
    "Vivado": "vivado/nnet_utils",
    "Catapult": "catapult/nnet_utils",
    "Quartus": "quartus/firmware/nnet_utils",
}


def headers(backend):
    folder = Path(find_spec("hls4ml").submodule_search_locations[0], "templates", TEMPLATES[backend])
    return {f"{FOLDER}{path.name}": path.read_text() for path in folder.glob("*.h")}


@pytest.mark.parametrize("backend", TEMPLATES)
def test_the_installed_version_is_known(backend):
    found = kernels_of(Project("p", headers(backend)), backend)
    assert not found.unknown
    assert all((1, 3) in versions for versions in found.known.values())
    assert {found.version("fc", kind) for kind in HEADERS} <= {(0, 6), (0, 7), (0, 8), (1, 0), (1, 1), (1, 2), (1, 3)}


def test_comments_pragmas_and_blanks_do_not_count():
    text = "int f() {\n#pragma HLS a \\\n b\n  return 1; // one\n}\n"
    assert digest(text) == digest("int f() { /* x */ return 1;\n\n}")
    assert digest(text) != digest(text.replace("1;", "2;"))


@pytest.mark.parametrize("kind", HEADERS)
def test_a_changed_header_is_refused_where_it_is_used(kind):
    given = headers("Vivado")
    name = next((name for name in HEADERS[kind] if FOLDER + name in given), None)
    if name is None:
        pytest.skip("Vivado has none of these")
    given[FOLDER + name] += "int changed;"
    found = kernels_of(Project("p", given), "Vivado")
    with pytest.raises(Refused, match=rf"^layer fc: firmware/nnet_utils/{name} is none of hls4ml 0.6 to 1.3"):
        found.version("fc", kind)
    others = [other for other in HEADERS if name not in HEADERS[other]]
    for other in others:
        found.version("fc", other)


def test_kernels_of_several_versions_are_refused_where_they_meet(monkeypatch):
    told = {f"Vivado/nnet_{name}.h": {digest(name): versions} for name, versions in VERSIONS.items()}
    monkeypatch.setattr("qcompress.frontends.hls4ml_project.kernels._known", lambda: told)
    found = kernels_of(Project("p", {f"{FOLDER}nnet_{name}.h": name for name in VERSIONS}), "Vivado")
    assert found.version("fc", "activation") == (0, 7)
    assert found.version("fc", "pooling") == LAST
    with pytest.raises(Refused, match=r"^layer bn: .* has kernels for it of several versions of hls4ml"):
        found.version("bn", "normalize")


VERSIONS = {
    **{"activation": "0.7 0.8 1.0", "activation_stream": "0.6 0.7 0.8"},
    **{"batchnorm": "0.6", "batchnorm_stream": "1.0 1.1"},
}


def test_a_project_without_headers_says_what_it_is_taken_for():
    made = project(
        ["nnet::linear<input_t, result_t, config2>(x, y);"], {"input_t": "ap_fixed<8,3>", "result_t": "ap_fixed<8,3>"}
    )
    assert any("kernels are taken for those of hls4ml 1.3" in note for note in FRONT_END.convert(made, "n", None).notes)
