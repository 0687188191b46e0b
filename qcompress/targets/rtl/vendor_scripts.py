"""Tcl that builds a design with a vendor's tools, one command each: Vivado, its IP packager, Quartus Prime.

    vivado -mode batch -source vivado.tcl [-tclargs PART PERIOD_NS]
    vivado -mode batch -source package_ip.tcl [-tclargs PART]
    quartus_sh -t quartus.tcl [PART PERIOD_NS]

in the folder `vendor` of a build. Part and period are those that the design was built for; a design that was built for
none takes them from the command line alone. Ports are left where the tool puts them: out of context in Vivado, virtual
pins in Quartus. Reports stand beside the scripts, where `qcompress synth --read` takes them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qcompress.devices import find_device

FOLDER = "vendor"
VENDORS = {"vivado.tcl": "AMD", "package_ip.tcl": "AMD", "quartus.tcl": "Intel"}
"""Script -> whose parts it takes."""


@dataclass(frozen=True)
class Scripted:
    """A design as scripts name it.

    top: its module; sources: of it, relative to the folder of scripts; axi_top, axi_sources: with its AXI modules, None
    and empty without; device, clock_mhz: what it was built for.
    """

    top: str
    sources: tuple[str, ...]
    axi_top: str | None = None
    axi_sources: tuple[str, ...] = ()
    device: str | None = None
    clock_mhz: float | None = None

    def part(self, script: str) -> str:
        """The part of a script: the device, if it is a whole part of the tool's vendor, else empty."""
        found = find_device(self.device) if self.device else None
        return found.name if found is not None and found.vendor == VENDORS[script] and found.package else ""

    @property
    def period_ns(self) -> str:
        return f"{1000 / self.clock_mhz:.3f}" if self.clock_mhz else ""


def scripted(folder: Path, top: str, device: str | None, clock_mhz: float | None) -> Scripted:
    """The design `top` that a build left in folder: folder/verilog and, if it is there, folder/axi."""
    wrapped = _relative(folder, "axi")
    names = [Path(source).stem for source in wrapped]
    outermost = min(names, key=len, default=None)  # the one with registers is named after the one with streams
    return Scripted(top, _relative(folder, "verilog"), outermost, wrapped, device, clock_mhz)


def _relative(folder: Path, part: str) -> tuple[str, ...]:
    return tuple(f"../{part}/{path.name}" for path in sorted((folder / part).glob("*.v")))


def write_scripts(design: Scripted, folder: Path) -> None:
    """Write the scripts of design and a README into `folder`/vendor, which is made."""
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    (place / "vivado.tcl").write_text(vivado(design))
    (place / "package_ip.tcl").write_text(package_ip(design))
    (place / "quartus.tcl").write_text(quartus(design))
    (place / "README.md").write_text(README.format(top=design.top))


README = """Builds of {top} with the vendors' tools, each run in this folder:

    vivado -mode batch -source vivado.tcl [-tclargs PART PERIOD_NS]    synthesis, place and route, out of context
    vivado -mode batch -source package_ip.tcl [-tclargs PART]          IP-XACT, in ip/
    quartus_sh -t quartus.tcl [PART PERIOD_NS]                         synthesis, fit, timing; ports as virtual pins

Part and period must be given where the design was built for no device or another vendor's. Then

    qcompress synth --read .

reads what they reported. vivado.tcl ends with status 1 if timing is not met, each with 2 if it is told too little.
"""


def _lines(*parts: str | Iterable[str]) -> str:
    flat = [line for part in parts for line in ([part] if isinstance(part, str) else part)]
    return "\n".join(flat) + "\n"


def _list(name: str, values: Sequence[str]) -> list[str]:
    return [f"set {name} {{", *(f"    {value}" for value in values), "}"]


def _asked(part: str, period_ns: str | None, arguments: str, usage: str) -> list[str]:
    """Part and period of a script: the command line's, else the design's, else a word on how to give them."""
    lines = [f'set part "{part}"', f"if {{[llength ${arguments}] > 0}} {{set part [lindex ${arguments} 0]}}"]
    if period_ns is not None:
        lines += [
            f'set period "{period_ns}"',
            f"if {{[llength ${arguments}] > 1}} {{set period [lindex ${arguments} 1]}}",
        ]
    lacking = '$part eq ""' if period_ns is None else '$part eq "" || $period eq ""'
    return [*lines, f"if {{{lacking}}} {{", f'    puts "give {usage}"', "    exit 2", "}"]


def vivado(design: Scripted) -> str:
    """Synthesis, place and route out of context, and reports of utilization, timing and power."""
    usage = "a part and a period in ns: vivado -mode batch -source vivado.tcl -tclargs PART PERIOD_NS"
    return _lines(
        f"# Vivado: {design.top} out of context, routed",
        _asked(design.part("vivado.tcl"), design.period_ns, "argv", usage),
        f"set top {design.top}",
        _list("sources", design.sources),
        "foreach source $sources {read_verilog $source}",
        "synth_design -top $top -part $part -mode out_of_context -flatten_hierarchy rebuilt",
        "create_clock -name clk -period $period [get_ports clk]",
        "report_utilization -file ${top}_utilization_synth.rpt",
        "opt_design",
        "place_design",
        "phys_opt_design",
        "route_design",
        "report_utilization -file ${top}_utilization_routed.rpt",
        "report_timing_summary -file ${top}_timing_routed.rpt",
        "report_power -file ${top}_power_routed.rpt",
        "write_checkpoint -force ${top}_routed.dcp",
        "set slack [get_property SLACK [get_timing_paths -delay_type max]]",
        'puts "slack: $slack ns at a period of $period ns"',
        "if {$slack < 0} {",
        '    puts "timing is not met"',
        "    exit 1",
        "}",
    )


def package_ip(design: Scripted) -> str:
    """IP-XACT of the design, with AXI interfaces where it has them."""
    top = design.axi_top or design.top
    buses = (
        [
            "ipx::infer_bus_interfaces xilinx.com:interface:axis_rtl:1.0 [ipx::current_core]",
            "ipx::infer_bus_interfaces xilinx.com:interface:aximm_rtl:1.0 [ipx::current_core]",
        ]
        if design.axi_top
        else []
    )
    usage = "a part: vivado -mode batch -source package_ip.tcl -tclargs PART"
    return _lines(
        f"# Vivado: {top} as IP-XACT, in ip/",
        _asked(design.part("package_ip.tcl"), None, "argv", usage),
        f"set top {top}",
        _list("sources", (*design.sources, *design.axi_sources)),
        "create_project -force -part $part $top ip_project",
        "foreach source $sources {add_files -norecurse $source}",
        "set_property top $top [current_fileset]",
        "update_compile_order -fileset sources_1",
        "ipx::package_project -root_dir ip -vendor qcompress -library user -taxonomy /UserIP -import_files -force",
        "set_property name $top [ipx::current_core]",
        "set_property display_name $top [ipx::current_core]",
        buses,
        "ipx::update_checksums [ipx::current_core]",
        "ipx::check_integrity [ipx::current_core]",
        "ipx::save_core [ipx::current_core]",
        "close_project",
    )


def quartus(design: Scripted) -> str:
    """Synthesis, fit and timing analysis, all ports but the clock as virtual pins."""
    usage = "a part and a period in ns: quartus_sh -t quartus.tcl PART PERIOD_NS"
    arguments = "quartus(args)"
    return _lines(
        f"# Quartus Prime: {design.top} with virtual pins, fitted",
        "package require ::quartus::project",
        "package require ::quartus::flow",
        _asked(design.part("quartus.tcl"), design.period_ns, arguments, usage),
        f"set top {design.top}",
        _list("sources", design.sources),
        "set constraints [open clock.sdc w]",
        'puts $constraints "create_clock -name clk -period $period \\[get_ports clk\\]"',
        'puts $constraints "derive_clock_uncertainty"',
        "close $constraints",
        "project_new $top -overwrite",
        "set_global_assignment -name DEVICE $part",
        "set_global_assignment -name TOP_LEVEL_ENTITY $top",
        "foreach source $sources {set_global_assignment -name VERILOG_FILE $source}",
        "set_global_assignment -name SDC_FILE clock.sdc",
        "set_global_assignment -name PROJECT_OUTPUT_DIRECTORY .",
        "set_instance_assignment -name VIRTUAL_PIN ON -to *",
        "set_instance_assignment -name VIRTUAL_PIN OFF -to clk",
        "execute_flow -compile",
        "project_close",
    )
