"""Every fenced block of the documentation is run, or read by what it is for; none is shown unchecked.

The comment before a block says how: run="scratch" runs its commands in a folder with a candidate, samples and words;
"long" does so in a campaign, with models beside them;
"page" runs Python and commands of a page in their order in an empty folder; "plug" runs it with the plug-ins of the
page installed; "copy" in a copy of the sources to which the page's differences are applied; "options" only reads its
commands with the command line's own parser; "signatures" binds its calls.
"""

import ast
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import typer
import yaml
from helpers.pages import PAGES, Block, applied, blocks
from helpers.paths import ROOT

from qcompress import cli
from qcompress.config import parse_config
from qcompress.fixedpoint import Format
from qcompress.frontends import user_layers
from qcompress.frontends.post_training.plan import parse_plan
from qcompress.graph import Add, Graph, Input, Node
from qcompress.targets.cpp.emit import header, namespace

BLOCKS = [block for page in PAGES if page.is_file() for block in blocks(page)]
EXTENDING = {
    name: blocks(ROOT / "docs" / "extending" / f"{name}.md") for name in ("target", "front_end", "layer", "detector")
}
OPERATION = blocks(ROOT / "docs" / "extending" / "operation.md")
WORDS = "econt/mcDataset/testInput.csv"
REGISTERS = "econt/mcDataset/BC_5eTx/init.yaml"
CUTS = "layers: [1, 28]\nsignal_share: 0.001\n"
BASE = {
    "hgcal": {"name": "a", "detector": "hgcal", "sample": {"simulate": "electron-0pu"}, "network": {}},
    "tpc": {"name": "a", "detector": "tpc", "sample": {"simulate": "sector-20pc"}, "network": {}},
    "lartpc": {"name": "a", "detector": "lartpc", "sample": {"simulate": "mix-hd-hits"}, "network": {}},
}


def is_example(block: Block) -> bool:
    """Run by test_docs, as a session."""
    return block.kind == "python" and ">>> " in block.text


def chosen(kind: str, run: str | None = None, title: bool | None = None) -> list[object]:
    """Blocks of a kind, those that are checked in one way, as parameters."""
    found = [block for block in BLOCKS if block.kind == kind and not is_example(block)]
    found = [block for block in found if run is None or block.told.get("run", "") == run]
    found = [block for block in found if title is None or ("title" in block.told) == title]
    return [pytest.param(block, id=block.place) for block in found]


def pages_with(kind: str, run: str) -> list[object]:
    """Pages, each with its blocks of a kind, in order."""
    found = {block.page for block in BLOCKS if not is_example(block)}
    own = {page: [b for b in blocks(page) if b.kind == kind and b.told.get("run", "") == run] for page in sorted(found)}
    own = {page: [b for b in found if not is_example(b) and "title" not in b.told] for page, found in own.items()}
    return [pytest.param(found, id=str(page.relative_to(ROOT))) for page, found in own.items() if found]


def test_every_block_is_of_a_kind_that_is_checked():
    ways = Counter((block.kind, "session" if is_example(block) else block.told.get("run", "")) for block in BLOCKS)
    assert set(ways) == {
        *(("python", run) for run in ("session", "", "page", "plug", "copy", "signatures")),
        *(("console", run) for run in ("", "options", "scratch", "long", "page", "plug", "copy")),
        *((kind, "") for kind in ("yaml", "toml", "json", "cpp", "diff")),
    }, ways
    fences = sum(len(re.findall(r"^\s*```", page.read_text(), re.MULTILINE)) for page in {b.page for b in BLOCKS})
    assert fences == 2 * len(BLOCKS)


# What is written down: configs, graphs, C++, pieces of files


@pytest.mark.parametrize("block", chosen("yaml"))
def test_a_config_is_one(block):
    given = yaml.safe_load(block.text)
    config = given if "name" in given else BASE[block.told.get("detector", "hgcal")] | given
    if config["detector"] not in BASE:  # of a plug-in: run by its page
        assert block.told["name"].endswith(".yaml")
        return
    assert parse_config(config, ROOT).name == config["name"]


@pytest.mark.parametrize("block", chosen("toml"))
def test_an_entry_point_leads_to_an_object(block, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "plug")
    for group, entries in tomllib.loads(block.text)["project"]["entry-points"].items():
        own = f'[project.entry-points."{group}"]' in (ROOT / "pyproject.toml").read_text()
        assert own or group == user_layers.GROUP
        for value in entries.values():
            module, _, name = value.partition(":")
            assert hasattr(__import__(module), name or {user_layers.GROUP: "projection"}.get(group, "DETECTOR"))


@pytest.mark.parametrize("block", chosen("json"))
def test_json_is_what_it_shows(block, tmp_path):
    content = json.loads(block.text)
    if block.told.get("name") == "plan.json":
        (tmp_path / "plan.json").write_text(block.text)
        assert parse_plan(str(tmp_path / "plan.json")).layers.keys() == content["layers"].keys()
        return
    if "schema" not in content:
        assert block.told["name"] == "sum.layers"  # compiled by its page
        return
    (tmp_path / "graph.json").write_text(block.text)
    np.savez(tmp_path / "weights.npz")
    Graph.load(tmp_path).save(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "graph.json").read_text()) == content


@pytest.mark.parametrize("block", chosen("cpp"))
def test_cpp_compiles(block, tmp_path):
    """With the header of a graph that has the names of the page."""
    given = [Input("image", (2, 2), Format(False, 8, 8), None), Input("words", (2, 2), Format(True, 5, 5), None)]
    nodes = [Node("sum", Add(), "image", "words"), Node("more", Add(), "sum", "image")]
    graph = Graph.of("trigger", given, nodes, {"score": "sum", "latent": "more"})
    (tmp_path / "trigger.h").write_text(header(graph))
    text = re.sub(r"qcompress_trigger_\w+", namespace(graph), block.text)
    include, body = text.split("\n", 1)
    (tmp_path / "main.cpp").write_text(f"{include}\nint main() {{ std::size_t rows = 1;\n{body} }}\n")
    command = ["g++", "-std=c++17", "-fsyntax-only", "-Wall", "main.cpp"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def full(line: str) -> bool:
    return bool(line.strip())


@pytest.mark.parametrize("name", EXTENDING)
def test_a_page_shows_the_whole_of_its_files(name):
    shown: dict[str, list[str]] = {}
    for block in EXTENDING[name]:
        if "title" in block.told:
            shown.setdefault(block.told["title"], []).extend(filter(full, block.text.splitlines()))
    assert len(shown) == 1
    for title, lines in shown.items():
        assert lines == list(filter(full, (ROOT / title).read_text().splitlines()))


def test_only_these_pages_show_files():
    listed = {block.page.stem for block in BLOCKS if "title" in block.told}
    assert listed == {*EXTENDING, "operation"}


# Python


def python(code: str, folder: Path, *paths: Path) -> None:
    """Run it in a process of its own."""
    path = os.pathsep.join(map(str, [*paths, ROOT]))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("found", pages_with("python", ""))
def test_python_runs_in_order(found, request, tmp_path):
    code = "\n".join(block.text for block in found)
    if "hls_projects/econt_48bit" in code:
        (tmp_path / "hls_projects").mkdir()
        (tmp_path / "hls_projects" / "econt_48bit").symlink_to(request.getfixturevalue("econt_candidate"))
    python(code, tmp_path)


@pytest.mark.parametrize("block", chosen("python", "signatures"))
def test_calls_have_such_arguments(block):
    names, calls = {}, 0
    tree = ast.parse(block.text)
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            exec(ast.unparse(node), names)  # noqa: S102 - our own pages
    for node in [each for each in ast.walk(tree) if isinstance(each, ast.Call)]:
        function = eval(ast.unparse(node.func), names)  # noqa: S307
        inspect.signature(function).bind(*node.args, **{each.arg: each.value for each in node.keywords})
        calls += 1
    assert calls > 0


# Commands


def commands(block: Block) -> list[list[str]]:
    """The command lines of a block, without prompts, comments and what they print."""
    return [shlex.split(line[2:], comments=True) for line in block.text.splitlines() if line.startswith("$ ")]


def check_options(arguments: list[str]) -> None:
    """Read a command of ours with the real command line, and do not run it."""
    command, context = typer.main.get_command(cli.app), None
    while hasattr(command, "get_command"):
        context = command.make_context(command.name, arguments[:1], parent=context)
        name, *arguments = arguments
        command = command.get_command(context, name)
        assert command is not None, name
    command.make_context(command.name, arguments, parent=context)


def check_other(program: str, arguments: list[str]) -> None:
    """A command of make, Python, pytest or pip: what it names is there."""
    if program == "make":
        rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        variables = re.findall(r"^(\w+) \?=", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert {a.partition("=")[0] for a in arguments} <= {*rules, *variables}, arguments
    elif program == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert arguments[0] == "install"
        for argument in arguments[1:]:
            assert set(re.findall(r"\w+", (re.findall(r"\[(.*)\]", argument) or [""])[0])) <= set(extras)
    else:
        files = [argument for argument in arguments if argument.endswith(".py")]
        assert program in {"python", "pytest"}
        assert files or "tests/graph" in arguments
        assert all((ROOT / file).is_file() for file in files)
        known = "".join((ROOT / file).read_text() for file in files)
        for option in [a for a in arguments if a.startswith("--") and program == "python" and arguments[0] != "-m"]:
            assert f'"{option}"' in known, option


@pytest.mark.parametrize("block", chosen("console"))
def test_commands_are_such_as_there_are(block):
    assert commands(block)
    for program, *arguments in commands(block):
        check_options(arguments) if program == "qcompress" else check_other(program, arguments)
        assert program != "qcompress" or block.told.get("run"), "say in a comment whether it is run"


@pytest.mark.parametrize("wrong", ["run a.yaml --untill verify", "compile", "econt rum a b c", "synth --family"])
def test_a_command_that_there_is_not_is_found(wrong):
    with pytest.raises((AssertionError, typer.exceptions.TyperException)):
        check_options(wrong.split())


@pytest.fixture(scope="module")
def scratch(econt_candidate, data_file, qcompress, tmp_path_factory):
    """A folder with what the commands of the pages find there."""
    folder = tmp_path_factory.mktemp("scratch")
    (folder / "hls_projects").mkdir()
    (folder / "hls_projects" / "econt_48bit").symlink_to(econt_candidate)
    shutil.copy(data_file(WORDS), folder / "testInput.csv")
    shutil.copy(data_file(REGISTERS), folder / "init.yaml")
    (folder / "few.yaml").write_text("rows: 2000\n")
    (folder / "cuts.yaml").write_text(CUTS)
    few = ("data", "select", econt_candidate / "sample" / "sample.h5", folder / "few.yaml", "-o", folder / "sample.h5")
    for arguments in (few, ("data", "export", folder / "sample.h5", folder / "modules.csv")):
        done = qcompress(*arguments)
        assert done.returncode == 0, done.stderr
    return folder


def run_in_order(found, qcompress, folder):
    """All commands of a page's blocks, in a folder of their own."""
    for block in found:
        for program, *arguments in commands(block):
            assert program == "qcompress"
            mine = {"PYTHONPATH": str(ROOT), "QCOMPRESS_REGISTRY": str(folder / "registry.sqlite")}
            done = qcompress(*arguments, cwd=folder, **mine)
            assert done.returncode == 0, f"{arguments}: {done.stderr}"


@pytest.mark.parametrize("found", pages_with("console", "scratch"))
def test_commands_run_in_order(found, qcompress, scratch, tmp_path):
    """From a fresh folder for each page."""
    shutil.copytree(scratch, tmp_path, symlinks=True, dirs_exist_ok=True)
    run_in_order(found, qcompress, tmp_path)


@pytest.mark.campaign
@pytest.mark.parametrize("found", pages_with("console", "long"))
def test_long_commands_run_in_order(found, qcompress, scratch, data_file, tmp_path):
    """The same, beside models: of floats, of HGQ2 and of QONNX."""
    from qcompress.frontends.qkeras import import_keras

    keras = import_keras()
    shutil.copytree(scratch, tmp_path, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "sample.h5").unlink()  # made by the page
    for model in ("hgq/jsc_openml_758.keras", "public/qkeras_jettagging.onnx"):
        shutil.copy(data_file(f"models/{model}"), tmp_path)
    layers = [
        keras.Input((8,)),
        keras.layers.Dense(6, activation="relu", name="hidden"),
        keras.layers.Dense(3, name="out"),
    ]
    keras.Sequential(layers).save(tmp_path / "tagger.keras")
    np.save(tmp_path / "values.npy", np.random.default_rng(1).normal(size=(200, 8)).clip(-4, 4))
    (tmp_path / "plan.json").write_text('{"weights": 6, "activations": 8, "inputs": 8}')
    run_in_order(found, qcompress, tmp_path)


PAGE_BY_PAGE = sorted({block.page for block in BLOCKS if block.told.get("run") == "page"})


@pytest.mark.parametrize("page", PAGE_BY_PAGE, ids=lambda page: page.stem)
def test_a_page_that_runs_from_top_to_bottom_is_python_and_commands(page):
    kinds = {"python": lambda text: compile(text, str(page), "exec"), "console": lambda text: None}
    for block in blocks(page):
        assert block.told.get("run") == "page"
        kinds[block.kind](block.text)


@pytest.mark.campaign
@pytest.mark.parametrize("page", PAGE_BY_PAGE, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom_in_an_empty_folder(page, qcompress, tmp_path):
    for block in blocks(page):
        assert block.told.get("run") == "page"
        if block.kind == "python":
            python(block.text, tmp_path)
        for _, *arguments in commands(block) if block.kind == "console" else ():
            done = qcompress(*arguments, cwd=tmp_path, PYTHONPATH=str(ROOT))
            assert done.returncode == 0, f"{arguments}: {done.stderr}"


# The pages on extending, followed


PROJECTED = """
from qcompress.frontends.runtime import import_keras, import_qkeras
from projection import projection_class
keras, qkeras = import_keras(), import_qkeras()
given = keras.Input((4, 2))
edges = projection_class()(name="edges")(given)
bits = qkeras.quantized_bits(4, 0, alpha=1)
found = qkeras.QConv1D(3, 1, kernel_quantizer=bits, bias_quantizer=bits, name="each")(edges)
keras.Model(given, projection_class()(node_to_edge=False, name="nodes")(found)).save("nodes.keras")
"""
"""Makes the network of the page on layers."""


@pytest.fixture(scope="module")
def plugged(tmp_path_factory):
    """A folder with the plug-ins of the pages, installed by being on the path."""
    folder = tmp_path_factory.mktemp("plugged")
    for name, found in EXTENDING.items():
        for block in found:
            if "title" in block.told:
                with (folder / Path(block.told["title"]).name).open("a") as file:
                    file.write(block.text)
            if block.kind == "toml":
                about = folder / f"{name}-1.0.dist-info"
                about.mkdir()
                (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
                groups = tomllib.loads(block.text)["project"]["entry-points"].items()
                lines = [f"[{group}]\n{key} = {value}\n" for group, own in groups for key, value in own.items()]
                (about / "entry_points.txt").write_text("".join(lines))
            if "name" in block.told:
                (folder / block.told["name"]).write_text(block.text)
    python(PROJECTED, folder, folder)
    return folder


@pytest.mark.parametrize("found", pages_with("python", "plug"))
def test_python_runs_with_the_plug_ins_of_the_pages(found, plugged, tmp_path):
    python("\n".join(block.text for block in found), tmp_path, plugged)


@pytest.mark.parametrize("found", pages_with("console", "plug"))
def test_commands_run_with_the_plug_ins_of_the_pages(found, plugged, qcompress):
    for block in found:
        for program, *arguments in commands(block):
            assert program == "qcompress"
            done = qcompress(*arguments, cwd=plugged, PYTHONPATH=os.pathsep.join([str(plugged), str(ROOT)]))
            assert done.returncode == 0, f"{arguments}: {done.stderr}"


def test_the_config_of_the_detectors_page_is_one(plugged, qcompress):
    """Read to the end: what is refused is a step that there is not."""
    path = os.pathsep.join([str(plugged), str(ROOT)])
    done = qcompress("run", "dummy.yaml", "--until", "nothing", cwd=plugged, PYTHONPATH=path)
    assert done.returncode == 2
    assert "--until nothing: this candidate has the steps sample, train, compile" in done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of package and tests with the differences of the page on operations applied."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("qcompress", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for block in OPERATION:
        if block.kind == "diff":
            path = folder / block.told["title"]
            path.write_text(applied(path.read_text(), block.text))
    return folder


def test_an_operation_that_is_added_as_the_page_says_runs_on_every_target(copy):
    (block,) = [block for block in OPERATION if block.told.get("run") == "copy" and block.kind == "python"]
    python(block.text, copy, copy)


@pytest.mark.campaign
def test_an_operation_that_is_added_as_the_page_says_passes_the_contract(copy):
    (block,) = [block for block in OPERATION if block.told.get("run") == "copy" and block.kind == "console"]
    ((program, *arguments),) = commands(block)
    assert program == "python"
    done = subprocess.run(
        [sys.executable, *arguments, "-p", "no:cacheprovider", "-q"],
        cwd=copy,
        env={name: value for name, value in os.environ.items() if "XDIST" not in name} | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout).group(1)) >= 5


def test_a_difference_that_is_stale_is_found():
    text = "a = 1\nb = 2\n"
    assert applied(text, " a = 1\n+c = 3\n b = 2\n") == "a = 1\nc = 3\nb = 2\n"
    for stale in (" a = 2\n+c = 3\n", "-b = 1\n+b = 3\n"):
        with pytest.raises(AssertionError, match="stands 0 times"):
            applied(text, stale)
