"""Plug-ins built as a framework's package builds them, and a program of the framework's that runs them."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from qcompress.graph import Graph
from qcompress.targets.cpp.emit import header
from qcompress.targets.cpp.package import package
from qcompress.targets.cpp.plugin import plugin
from qcompress.targets.cpp.source import header_name

INTERFACE = Path(__file__).with_name("model_loader.h")
FLAGS = ("-std=c++17", "-O0", "-fPIC", "-Wall", "-Wextra", "-Werror")


def written(graph: Graph, folder: Path) -> Path:
    """The folder with what a plug-in of graph is made of, and nothing compiled."""
    folder.mkdir(exist_ok=True)
    sources = {header_name(graph): header(graph), "plugin.cpp": plugin(graph, False), **package(graph)}
    for name, text in sources.items():
        (folder / name).write_text(text)
    return folder


def extras(folder: Path) -> Path:
    """A folder laid out as hls4mlEmulatorExtras, with the tests' own interface in it."""
    place = folder / "extras" / "include" / "hls4ml"
    place.mkdir(parents=True)
    shutil.copyfile(INTERFACE, place / "emulator.h")
    return folder / "extras"


def ap_types(folder: Path) -> Path:
    """A folder laid out as CMSSW's hls: include/ap_fixed.h, which hls4ml ships; skips where hls4ml is not installed."""
    spec = importlib.util.find_spec("hls4ml")
    if spec is None or spec.origin is None:
        pytest.skip("hls4ml is not installed")
    (folder / "hls").mkdir()
    (folder / "hls" / "include").symlink_to(Path(spec.origin).parent / "templates" / "vivado" / "ap_types")
    return folder / "hls"


def make(built: Path, *settings: str, flags: Sequence[str] = FLAGS, goals: Sequence[str] = ()) -> None:
    """Run the Makefile beside a plug-in; settings: NAME=value."""
    command = ["make", "-s", *goals, *settings, f"CXXFLAGS={' '.join(flags)}"]
    done = subprocess.run(command, cwd=built, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def program(folder: Path, text: str, *includes: Path, flags: Sequence[str] = FLAGS) -> Path:
    """A program compiled from text, which finds model_loader.h."""
    (folder / "host.cpp").write_text(text)
    search = [f"-I{INTERFACE.parent}", *(part for place in includes for part in ("-isystem", str(place)))]
    subprocess.run(["g++", *flags, *search, "host.cpp", "-o", "host", "-ldl", "-pthread"], cwd=folder, check=True)
    return folder / "host"


def output(program: Path, *arguments: str, search: Path) -> str:
    """What a program writes; search: where it finds plug-ins by name."""
    environment = os.environ | {"LD_LIBRARY_PATH": str(search)}
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout
