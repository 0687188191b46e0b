"""The law of the house: a room imports only from rooms above it, and the light rooms import nothing heavy."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.paths import ROOT

ROOMS = [
    "errors",
    "threads",
    "files",
    "hdf5_heaps",
    "yaml_files",
    "devices",
    "fixedpoint",
    "graph",
    "progress",
    "frontends",
    "targets",
    "synthesis",
    "verification",
    "metrics",
    "plots",
    "training",
    "detectors",
    "config",
    "candidate",
    "registry",
    "volumes",
    "report",
    "pipeline",
    "search",
    "serving",
    "api",
    "cli",
]
WITHIN = {
    "detectors/hgcal": [
        *("module", "econt", "samples", "simulation", "exchange", "encoder", "clustering", "evaluation"),
        *("detector", "commands"),
    ],
    "detectors/tpc": [
        *("geometry", "finder", "samples", "simulation", "networks", "evaluation", "detector", "commands"),
    ],
    "detectors/lartpc": [
        *("presets", "electronics", "online", "samples", "simulation", "network_plug", "roi", "codec", "images"),
        *("options", "plugs", "evaluation", "display", "exchange", "detector", "commands"),
    ],
}
"""Rooms of a detector, from the ground up."""
HEAVY = ("tensorflow", "keras", "ot", "matplotlib", "alkaid", "hls4ml", "numba", "pyosys")
FILES = sorted(set((ROOT / "qcompress").rglob("*.py")) - {ROOT / "qcompress" / "__init__.py"})


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def room_of(module: str) -> str:
    return module.split(".")[1] if module.count(".") else ""


def imports(path: Path) -> set[str]:
    """Modules of the package that a file imports anywhere in it: at the top, in a function, for types alone."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in MODULES else node.module for name in inner}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names & MODULES.keys()


def imported_rooms(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= inner if node.module == "qcompress" else {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {room_of(name) for name in names if name.startswith("qcompress.")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_from_rooms_above_it(path):
    own = path.relative_to(ROOT / "qcompress").parts[0].removesuffix(".py")
    own = "cli" if path.name == "commands.py" else own  # a detector's commands are part of the command line
    above = ROOMS[: ROOMS.index(own) + 1]
    assert imported_rooms(path) <= set(above)


@pytest.mark.parametrize("detector", WITHIN)
def test_a_room_of_a_detector_imports_only_from_rooms_above_it(detector):
    folder, order = ROOT / "qcompress" / detector, WITHIN[detector]
    assert {path.name.removesuffix(".py") for path in folder.iterdir()} - {"__init__", "__pycache__"} == set(order)
    for path in folder.glob("*/**/*.py"):
        own = path.relative_to(folder).parts[0]
        inside = {name for name in imports(path) if name.startswith(f"qcompress.{detector.replace('/', '.')}.")}
        assert {name.split(".")[3] for name in inside} <= set(order[: order.index(own) + 1]), path


def test_no_module_imports_itself_through_others():
    edges = {name: imports(path) - {name} for name, path in MODULES.items()}
    while ends := [name for name, targets in edges.items() if not targets]:
        for name in ends:
            del edges[name]
        edges = {name: targets - set(ends) for name, targets in edges.items()}
    assert edges == {}


OF_ONE_DETECTOR = re.compile(
    r"\b(hgcal|tpc|econt|ecal|wafers?|trigger cells?|tc_order|occupancy|mipt|emd_\w+)\b", re.IGNORECASE
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_word_of_one_detector_stands_in_a_general_room(path):
    parts = path.relative_to(ROOT / "qcompress").parts
    if parts[0] == "detectors" and len(parts) > 2:
        return
    assert OF_ONE_DETECTOR.findall(path.read_text()) == []


def test_detectors_do_not_know_each_other():
    shared = {path.stem for path in (ROOT / "qcompress" / "detectors").glob("*.py")}
    for path in (ROOT / "qcompress" / "detectors").glob("*/**/*.py"):
        own = path.relative_to(ROOT / "qcompress" / "detectors").parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", None) or ""
            if module.startswith("qcompress.detectors."):
                assert module.split(".")[2] in {own, *shared}, path


@pytest.mark.parametrize(
    "module",
    [
        "cli",
        "graph",
        "candidate",
        "config",
        "detectors.hgcal.detector",
        "detectors.hgcal.encoder.emulation",
        "report.tables",
        "targets",
        "volumes.running",
    ],
)
def test_light_modules_import_no_heavy_library(module):
    code = f"import sys, qcompress.{module}; print(*sorted(set(sys.modules) & set({HEAVY})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
