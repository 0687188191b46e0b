"""The project's own C simulation as a body: its bridge, built with g++ as its build_lib.sh does, from a copy."""

import os
import re
import shutil
import subprocess
import tempfile
import weakref
from pathlib import Path

import numpy as np

from qcompress.errors import QcompressError, Refused, ToolMissing
from qcompress.frontends.hls4ml_project.files import FIRMWARE, Project, write_files
from qcompress.frontends.hls4ml_project.text import arguments, end_of, preprocessed, without_comments
from qcompress.frontends.hls4ml_project.top import top_name
from qcompress.graph import Graph, Tensors
from qcompress.graph.ports import as_tensors, by_port, outside

DOUBLE_BITS = 53
INCLUDES = (
    *("ap_types", "ac_types", "ac_types/include", "ac_math/include", "ac_simutils/include", "nnet_utils"),
    ".",
)
"""Folders of firmware/ that hold the types of one backend or another."""

DRIVER = """\
#include <cstdio>
#include <vector>

extern "C" void {top}_double({declared});

int main(int count, char **names) {{
    if (count != 3)
        return 2;
    FILE *source = std::fopen(names[1], "rb"), *target = std::fopen(names[2], "wb");
    if (!source || !target)
        return 3;
    std::vector<double> given({inputs}), found({outputs});
    unsigned short size = 0;
    (void)size;
    while (std::fread(given.data(), sizeof(double), given.size(), source) == given.size()) {{
        {top}_double({passed});
        if (std::fwrite(found.data(), sizeof(double), found.size(), target) != found.size())
            return 4;
    }}
    return std::fclose(target) ? 5 : 0;
}}
"""


class CSimulation:
    """The C simulation of a project; it is built when it is first run, in a folder that goes with it.

    Raises ToolMissing without g++, QcompressError where the project is not complete or cannot be built.
    """

    name = "C simulation"

    def __init__(self, project: Project, graph: Graph) -> None:
        ports = (*graph.input_ports, *graph.output_ports)
        if wide := [port.name for port in ports if port.format.width > DOUBLE_BITS]:
            raise Refused(f"{project.where}: port {wide[0]} has over {DOUBLE_BITS} bits, which its bridge cannot carry")
        self._project, self._graph = project, graph
        self._folder: Path | None = None

    def run(self, codes: Tensors) -> Tensors:
        """Codes of the inputs, in the graph's formats -> codes of its outputs."""
        inputs, outputs = self._graph.input_ports, self._graph.output_ports
        given = by_port(inputs, codes, self.name)
        outside(inputs, given, self.name)
        rows = len(next(iter(given.values())))
        values = [port.format.to_values(given[port.name]).reshape(rows, port.size) for port in inputs]
        found = self.simulated(np.concatenate(values, axis=1))
        ends = np.cumsum([port.size for port in outputs]).tolist()
        results = {
            port.name: port.format.to_codes(found[:, end - port.size : end]).reshape(rows, *port.shape)
            for port, end in zip(outputs, ends, strict=True)
        }
        return as_tensors(outputs, results)

    def simulated(self, values: np.ndarray) -> np.ndarray:
        """Values of all inputs, row by row -> those of all outputs."""
        program = self.program()
        with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
            source, target = Path(scratch, "input"), Path(scratch, "output")
            np.asarray(values, "<f8").tofile(source)
            done = subprocess.run(
                [program, source, target],
                cwd=program.parent / FIRMWARE,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                check=False,
            )
            if done.returncode:
                last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
                raise QcompressError(f"{self._project.where}: its C simulation ended with {done.returncode}: {last}")
            found = np.fromfile(target, "<f8")
        return found.reshape(len(values), sum(port.size for port in self._graph.output_ports))

    def program(self) -> Path:
        """The program, built if it is not there yet."""
        if self._folder is None:
            folder = Path(tempfile.mkdtemp(prefix="qcompress-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self._built(folder)
            self._folder = folder
        return self._folder / "simulation"

    def _built(self, folder: Path) -> None:
        compiler = shutil.which("g++")
        if compiler is None:
            raise ToolMissing("g++ is not installed: apt install g++")
        top = top_name(self._project)
        driver = driver_of(self._project, top, self._graph)
        write_files(self._project, folder)
        (folder / "driver.cpp").write_text(driver)
        includes = [f"-I{FIRMWARE}/{each}" for each in INCLUDES if (folder / FIRMWARE / each).is_dir()]
        sources = [f"{FIRMWARE}/{top}.cpp", f"{top}_bridge.cpp", "driver.cpp"]
        macro = f'-DWEIGHTS_DIR="{folder / FIRMWARE / "weights"}"'
        command = [compiler, "-std=c++17", "-O3", "-w", *includes, macro, *sources, "-o", "simulation"]
        done = subprocess.run(command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            told = done.stderr.decode(errors="replace").replace(f"{folder}{os.sep}", "")
            faults = [line for line in told.splitlines() if "error" in line] or told.splitlines() or ["no message"]
            raise QcompressError(f"{self._project.where}: its C simulation cannot be built: {faults[0]}")


def driver_of(project: Project, top: str, graph: Graph) -> str:
    """The program around the bridge's function of doubles; raises QcompressError where there is none."""
    path = f"{top}_bridge.cpp"
    if path not in project.files:
        raise QcompressError(f"{project.where}: {path} is missing, without which it cannot be simulated")
    text = preprocessed(without_comments(project.files[path]))[0]
    match = re.search(rf"\bvoid\s+{top}_double\s*\(", text)
    if match is None:
        raise QcompressError(f"{project.where}: {path} has no function {top}_double")
    parameters = arguments(text[match.end() : end_of(text, match.end() - 1)])
    sizes = {port.name: port.size for port in graph.input_ports}
    results = {port.name: port.size for port in graph.output_ports}
    passed, declared = [], []
    for parameter in parameters:
        name = re.findall(r"\w+", parameter.split("[")[0])[-1]
        if name in sizes or name in results:
            known, vector = (sizes, "given") if name in sizes else (results, "found")
            start = sum(known[each] for each in list(known)[: list(known).index(name)])
            declared.append("double *")
            passed.append(f"{vector}.data() + {start}")
        elif name.startswith("const_size"):
            declared.append("unsigned short &")
            passed.append("size")
        else:
            raise QcompressError(f"{project.where}: parameter {name} of {top}_double is no port of its network")
    return DRIVER.format(
        top=top,
        declared=", ".join(declared),
        passed=", ".join(passed),
        inputs=sum(sizes.values()),
        outputs=sum(results.values()),
    )
