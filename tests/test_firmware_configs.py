"""The 24 candidates to compare say what their names say, and cover what a user would want to compare."""

import re

from helpers.paths import own_configs

from qcompress.config import load_config

PATHS = own_configs("econt_w*.yaml")
NAME = re.compile(r"econt_w(\d)_f(\d+)_l(\d)_(constant|loadable|folded(\d+))")

CLOCKS = {"constant": 40, "loadable": 40, "folded4": 160, "folded16": 320}
"""MHz: an input every 25 ns, of those folded 16 times every 50 ns."""


def test_every_config_is_what_its_name_says() -> None:
    for path in PATHS:
        config = load_config(path)
        found = NAME.fullmatch(path.stem)
        assert found
        assert config.name == path.stem
        network = config.network.model_dump()
        assert [network[key] for key in ("weight_bits", "filters", "latent_bits")] == [int(found[n]) for n in (1, 2, 3)]
        hardware = config.hardware
        assert hardware.clock_mhz == CLOCKS[found[4]]
        clocked = f"-{hardware.device}-{hardware.clock_mhz:g}MHz"
        kind = {"constant": "rtl", "loadable": "rtl_loadable"}.get(found[4], f"rtl_loadable-{found[5]}")
        wanted = kind if kind == "rtl" else kind + clocked
        assert [choice.target.name for choice in config.choices()] == ["cpp", wanted]


def test_there_are_24_that_cover_widths_filters_latents_and_kinds() -> None:
    found = [NAME.fullmatch(path.stem) for path in PATHS]
    assert len(found) == 24
    columns = [{match[n] for match in found if match} for n in (1, 2, 3, 4)]
    assert columns[:3] == [set("345678"), {"4", "8", "16"}, set("3579")]
    assert {re.sub(r"\d", "", kind) for kind in columns[3]} == {"constant", "loadable", "folded"}
