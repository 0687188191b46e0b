"""Delays of logic by family: what grows with what, and what is refused."""

from itertools import pairwise

import pytest

from qcompress.devices import DEVICES
from qcompress.errors import QcompressError, Refused
from qcompress.targets import Hardware, choose
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.delays import CELLS, clocked_family, delays_of, families


@pytest.mark.parametrize("family", families())
def test_delays_grow_with_the_logic(family: str) -> None:
    delays = delays_of(family)
    assert delays.register > 0
    for measure in (delays.adder, delays.levels, delays.table, delays.multiplexer, delays.compare, delays.load):
        values = [measure(size) for size in (1, 2, 4, 8, 16, 32)]
        assert all(less <= more for less, more in pairwise(values)), measure
        assert values[-1] >= values[0] >= 0
    assert delays.product(4, 8) == delays.product(8, 4) < delays.product(8, 9)
    assert family in {device.family for device in DEVICES.values()}


def test_wires_of_large_designs_are_longer() -> None:
    delays = delays_of("ecp5")
    assert delays.of_size(0) == delays.of_size(CELLS) == delays
    twice = delays.of_size(2 * CELLS)
    for name in ("register", "lut", "adder_base", "carry", "fan_out"):
        assert getattr(twice, name) == pytest.approx(getattr(delays, name) * (1 + delays.growth))


def test_a_clock_needs_a_device_with_a_delay_model() -> None:
    assert clocked_family("rtl", "ecp5-85k", 100) == "ecp5"
    with pytest.raises(QcompressError, match="rtl: a clock of 100 MHz on what"):
        clocked_family("rtl", None, 100)
    with pytest.raises(QcompressError, match="rtl: a clock of -1 MHz: give a number above 0"):
        clocked_family("rtl", "ecp5-85k", -1)
    with pytest.raises(QcompressError, match="did you mean ecp5-85k"):
        clocked_family("rtl", "ecp5-86k", 100)
    with pytest.raises(Refused, match="family sky130 has no delay model, so no clock can be aimed at"):
        delays_of("sky130")


def test_a_build_that_no_clock_or_device_fits_is_refused_with_the_config() -> None:
    for settings, said in (
        ({"clock_mhz": 100}, "rtl: a clock of 100 MHz on what"),
        ({"clock_mhz": 100, "device": "xc7k325tffg900-2"}, "family xc7 has no delay model"),
        ({"device": "ecp5-86k"}, "did you mean ecp5-85k"),
    ):
        with pytest.raises(QcompressError, match=said):
            choose("rtl", settings)


def test_levels_that_were_told_count_more_than_a_clock() -> None:
    hardware = Hardware(device="ecp5-85k", clock_mhz=100)
    told = choose("rtl", {"latency_cutoff": 3}, hardware)
    assert told.target == Rtl(latency_cutoff=3)
    assert told.notes == ("rtl: registers stand by latency_cutoff, as it was told, not for the clock",)
    assert choose("rtl", {}, hardware).target == Rtl(device="ecp5-85k", clock_mhz=100)


@pytest.mark.parametrize(
    ("hardware", "said"),
    [
        ({"device": "ecp5-85k"}, "for there is no clock_mhz"),
        ({"clock_mhz": 100}, "for there is no device"),
        ({"device": "xc7k325tffg900-2", "clock_mhz": 100}, "delays of the family xc7 are not known, those of ecp5,"),
    ],
)
@pytest.mark.parametrize("target", ["rtl", "rtl_loadable"])
def test_hardware_that_moves_no_register_is_said(target: str, hardware: dict[str, object], said: str) -> None:
    choice = choose(target, None, Hardware.model_validate(hardware))
    assert choice.target == choose(target).target
    (note,) = choice.notes
    assert note.startswith(f"{target}: registers stand as without a clock")
    assert said in note
