"""The vendors' scripts run in a Tcl with commands that record: part, clock, files, order, and what too little gives."""

import subprocess
from pathlib import Path

import pytest

from qcompress.targets.rtl.vendor_scripts import FOLDER, Scripted, scripted, write_scripts

STUBS = """
proc unknown {args} {puts "CALL $args"; return [answer {*}$args]}
proc answer {args} {if {[lindex $args 0] eq "get_property"} {return $::slack}; return [lindex $args 0]}
foreach name {::quartus::project ::quartus::flow} {package provide $name 1}
set slack SLACK
set argv {ARGV}
array set quartus {args {ARGV}}
source SCRIPT
"""
"""Every command that Tcl itself does not have is printed; the slack is what the test says."""


def run(folder: Path, script: str, arguments: str = "", slack: str = "0.125") -> tuple[int, list[str], str]:
    """Exit status, the recorded calls, and all that was printed."""
    text = STUBS.replace("SLACK", slack).replace("ARGV", arguments).replace("SCRIPT", script)
    (folder / FOLDER / "run.tcl").write_text(text)
    done = subprocess.run(["tclsh", "run.tcl"], cwd=folder / FOLDER, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    calls = [line.removeprefix("CALL ") for line in done.stdout.splitlines() if line.startswith("CALL ")]
    return done.returncode, calls, done.stdout


def written(folder: Path, device: str | None, clock_mhz: float | None) -> Scripted:
    """A build of two sources with an AXI module."""
    for part, names in (("verilog", ("b.v", "a.v")), ("axi", ("net_axi.v",))):
        (folder / part).mkdir()
        for name in names:
            (folder / part / name).touch()
    design = scripted(folder, "net", device, clock_mhz)
    write_scripts(design, folder)
    return design


def test_vivado_reads_maps_places_routes_and_reports_in_this_order(tmp_path: Path) -> None:
    written(tmp_path, "xcvu13p-flga2577-2-e", 200)
    status, calls, _ = run(tmp_path, "vivado.tcl")
    assert status == 0
    assert calls[:2] == ["read_verilog ../verilog/a.v", "read_verilog ../verilog/b.v"]
    synthesis = "synth_design -top net -part xcvu13p-flga2577-2-e -mode out_of_context -flatten_hierarchy rebuilt"
    assert calls[2] == synthesis
    assert "create_clock -name clk -period 5.000 get_ports" in calls
    order = ["create_clock", "opt_design", "place_design", "route_design", "report_timing_summary", "write_checkpoint"]
    heads = [call.split()[0] for call in calls]
    assert [heads.index(name) for name in order] == sorted(heads.index(name) for name in order)
    assert {call.split()[-1] for call in calls if call.startswith("report_")} == {
        *("net_utilization_synth.rpt", "net_utilization_routed.rpt", "net_timing_routed.rpt", "net_power_routed.rpt"),
    }


def test_vivado_ends_with_1_where_timing_is_not_met(tmp_path: Path) -> None:
    written(tmp_path, "xcvu13p-flga2577-2-e", 200)
    status, _, said = run(tmp_path, "vivado.tcl", slack="-0.031")
    assert status == 1
    assert "slack: -0.031 ns at a period of 5.000 ns" in said
    assert "timing is not met" in said


def test_quartus_is_told_device_clock_sources_and_virtual_pins(tmp_path: Path) -> None:
    written(tmp_path, "10AX115S2F45I2SG", 250)
    status, calls, _ = run(tmp_path, "quartus.tcl")
    assert status == 0
    assert calls[0] == "project_new net -overwrite"
    assert "set_global_assignment -name DEVICE 10AX115S2F45I2SG" in calls
    files = [call.split()[-1] for call in calls if "VERILOG_FILE" in call]
    assert files == ["../verilog/a.v", "../verilog/b.v"]
    assert "set_instance_assignment -name VIRTUAL_PIN OFF -to clk" in calls
    assert calls[-2:] == ["execute_flow -compile", "project_close"]
    constraints = (tmp_path / FOLDER / "clock.sdc").read_text()
    assert constraints.splitlines()[0] == "create_clock -name clk -period 4.000 [get_ports clk]"


def test_the_packager_takes_the_axi_module_and_all_sources(tmp_path: Path) -> None:
    written(tmp_path, "xcvu13p-flga2577-2-e", 200)
    status, calls, _ = run(tmp_path, "package_ip.tcl")
    assert status == 0
    assert calls[0] == "create_project -force -part xcvu13p-flga2577-2-e net_axi ip_project"
    files = ["../verilog/a.v", "../verilog/b.v", "../axi/net_axi.v"]
    assert calls[1:4] == [f"add_files -norecurse {name}" for name in files]
    assert any(call.startswith("ipx::infer_bus_interfaces xilinx.com:interface:axis_rtl:1.0") for call in calls)
    assert calls[-2:] == ["ipx::save_core ipx::current_core", "close_project"]


@pytest.mark.parametrize(("device", "clock"), [(None, None), ("ecp5-85k", 80.0)])
@pytest.mark.parametrize("script", ["vivado.tcl", "quartus.tcl", "package_ip.tcl"])
def test_what_a_design_was_not_built_for_is_asked_for(
    script: str, device: str | None, clock: float | None, tmp_path: Path
) -> None:
    written(tmp_path, device, clock)
    status, calls, said = run(tmp_path, script)
    assert (status, calls) == (2, [])
    assert "give a part" in said
    status, calls, _ = run(tmp_path, script, "some-part 3.2")
    assert status == 0
    assert any("some-part" in call for call in calls)
    if script == "vivado.tcl":
        assert "create_clock -name clk -period 3.2 get_ports" in calls


def test_without_axi_the_design_itself_is_packaged(tmp_path: Path) -> None:
    (tmp_path / "verilog").mkdir()
    (tmp_path / "verilog" / "net.v").touch()
    write_scripts(scripted(tmp_path, "net", None, None), tmp_path)
    status, calls, _ = run(tmp_path, "package_ip.tcl", "part")
    assert status == 0
    assert not any("infer_bus_interfaces" in call for call in calls)
    assert "qcompress synth --read ." in (tmp_path / FOLDER / "README.md").read_text()


@pytest.mark.parametrize(("device", "part"), [("10AX115S2F45I2SG", "10AX115S2F45I2SG"), ("Arria10", "")])
def test_a_family_is_no_part(device: str, part: str) -> None:
    assert Scripted("net", ("a.v",), device=device).part("quartus.tcl") == part
