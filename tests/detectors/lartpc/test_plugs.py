"""The table of networks: a config asks for one, its registers are that one's and no other's."""

import pytest

from qcompress.detectors import load_detector
from qcompress.detectors.lartpc.evaluation.running import RUNS
from qcompress.detectors.lartpc.options import LiquidArgonOptions
from qcompress.detectors.lartpc.plugs import PLUGS, asked_for, plug_of
from qcompress.errors import QcompressError

REGISTERS = {
    "roi": ({}, {"preset": "protodune-sp", "plane": "W", "threshold": 0.5, "windows": 400}),
    "codec": (
        {"codec": {"ticks": 16}},
        {"preset": "protodune-sp", "plane": "W", "windows": 1000, "ticks": 16, "order": 1, "noise": "kept"},
    ),
    "images": (
        {"images": {"planes": ["U", "W"]}},
        {"view": "tile", "planes": ["U", "W"], "binary": True, "full_charge": 60000.0, "least_charge": 1500.0,
         "least_cells": 11},
    ),
}  # fmt: skip
"""What a config says, and the registers that it gives, which travel with candidates: they stay as they are."""


@pytest.mark.parametrize("name", REGISTERS)
def test_a_config_asks_for_one_network_and_its_registers_are_those_of_that_one(name):
    given, registers = REGISTERS[name]
    options = LiquidArgonOptions.model_validate(given)
    assert asked_for(options)[0].name == name
    assert load_detector("lartpc").front_end(options) == registers
    assert [plug.name for plug in PLUGS if plug.owns(registers)] == [name]
    assert plug_of(registers).name == name


def test_every_network_can_be_run():
    assert {plug.name for plug in PLUGS} == set(RUNS) == set(REGISTERS)


def test_registers_of_no_network_are_refused():
    with pytest.raises(QcompressError, match="registers gain: of no network of liquid argon"):
        plug_of({"gain": 1})
