"""Devices by name: what a part number says, capacities, and what to write instead of a name that is none."""

import pytest

from qcompress.devices import DEVICES, find_device
from qcompress.devices.amd import DIES
from qcompress.errors import QcompressError


@pytest.mark.parametrize(
    ("part", "vendor", "family", "die", "package", "speed"),
    [
        ("xcvu13p-flga2577-2-e", "AMD", "xcup", "xcvu13p", "flga2577", "2"),
        ("xcku115-flvb2104-2-i", "AMD", "xcu", "xcku115", "flvb2104", "2"),
        ("xcku5p-ffvb676-2-e", "AMD", "xcup", "xcku5p", "ffvb676", "2"),
        ("xczu7ev-ffvc1156-2-e", "AMD", "xcup", "xczu7ev", "ffvc1156", "2"),
        ("xcu250-figd2104-2L-e", "AMD", "xcup", "xcu250", "figd2104", "2L"),
        ("xck26-sfvc784-2LV-c", "AMD", "xcup", "xck26", "sfvc784", "2LV"),
        ("xc7k325tffg900-2", "AMD", "xc7", "xc7k325t", "ffg900", "2"),
        ("xc7a35ticsg324-1L", "AMD", "xc7", "xc7a35t", "csg324", "1L"),
        ("xc7z020clg400-1", "AMD", "xc7", "xc7z020", "clg400", "1"),
        ("10AX115S2F45I2SG", "Intel", "arria10", "10AX115", "F45", "2"),
        ("1SG280HU1F50E2VG", "Intel", "stratix10", "1SG280", "F50", "2"),
        ("AGFB014R24A2E2V", "Intel", "agilex", "AGFB014", "R24A", "2"),
        ("10CX220YF780I5G", "Intel", "cyclone10gx", "10CX220", "F780", "5"),
    ],
)
def test_a_part_number_is_taken_apart(part, vendor, family, die, package, speed):
    device = find_device(part)
    found = (device.name, device.vendor, device.family, device.die, device.package, device.speed_grade)
    assert found == (part, vendor, family, die, package, speed)
    assert not device.place_and_route


def test_a_part_of_any_package_has_the_capacities_of_its_device():
    one, other = find_device("xcvu13p-flga2577-2-e"), find_device("xcvu13p-fhga2104-3-e")
    assert (one.luts, one.lut_inputs, one.multipliers) == (1_728_000, 6, 12_288)
    assert (one.luts, one.flip_flops, one.multipliers, one.block_rams) == (
        *(other.luts, other.flip_flops, other.multipliers, other.block_rams),
    )


def test_a_part_that_no_table_has_is_a_device_without_capacities():
    device = find_device("xczu4ev-sfvc784-1-e")
    assert (device.die, device.family, device.luts, device.multipliers) == ("xczu4ev", "xcup", None, None)


@pytest.mark.parametrize("die", DIES)
def test_a_slice_has_two_flip_flops_for_each_table(die):
    luts, flip_flops, _, _ = DIES[die]
    assert flip_flops == 2 * luts


def test_open_devices_are_placed_and_routed_and_cells_are_not():
    routed = {device.name for device in DEVICES.values() if device.place_and_route}
    assert {"ecp5-25k", "ecp5-45k", "ecp5-85k", "lifcl-40", "gw2a-18", "ccgm1a1"} <= routed
    assert {device.vendor for device in map(find_device, routed)} == {"Lattice", "Gowin", "Cologne Chip"}
    cells = [device for device in DEVICES.values() if device.vendor == "ASIC"]
    assert {(device.luts, device.place_and_route) for device in cells} == {(None, False)}


def test_capacities_of_ecp5():
    luts = [find_device(f"ecp5-{size}").luts for size in ("25k", "45k", "85k")]
    multipliers = [find_device(f"ecp5-{size}").multipliers for size in ("25k", "45k", "85k")]
    assert (luts, multipliers) == ([24288, 43848, 83640], [28, 72, 156])


def test_names_are_found_in_any_letters():
    assert find_device("ECP5-85K").name == "ecp5-85k"
    assert find_device("XCVU13P-FLGA2577-2-E").name == "xcvu13p-flga2577-2-e"


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("ecp5-86k", "did you mean ecp5-85k?"),
        ("85k", "did you mean ecp5-85k?"),
        ("xcvu13p", "did you mean xcvu13p-flga2577-2-e?"),
        ("xcvu13p-flga2577-2", "did you mean xcvu13p-flga2577-2-e?"),
        ("AGFB014R24A", "did you mean AGFB014R24A2E2V?"),
        ("sky130", "did you mean sky130hd?"),
        ("", "a vendor's whole part number"),
        ("blah", "a vendor's whole part number"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_nearest(name, instead):
    with pytest.raises(QcompressError, match=f"device {name!r} is none that is known") as refused:
        find_device(name)
    assert instead in str(refused.value)
