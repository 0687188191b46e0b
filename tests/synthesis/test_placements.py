"""Placements: seeds until the clock is met, wires routed anew where they alone miss it, what nextpnr reports."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis import Origin, SynthesisReport, placements
from qcompress.synthesis.placements import Aim, fastest, with_timing
from qcompress.synthesis.yosys import Limits
from qcompress.targets.processes import OutOfTime

COUNTED = SynthesisReport("t", Origin.OPEN_FLOW, lut=8, notes=("counted",))
PLAIN, ANEW = ["nextpnr"], ["nextpnr", "anew"]
Runs = list[tuple[str, bool]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Runs]:
    """A nextpnr that promises and achieves MHz by seed, and by seed if wires are routed anew; None: out of time."""

    def made(promised: dict[str, float], achieved: dict[str, float], anew: dict[str, float | None]) -> Runs:
        found: Runs = []

        def placing(command: Sequence[str], folder: Path, log: Path, doing: str, *, time_limit_s: float) -> None:
            seed, again = command[list(command).index("--seed") + 1], "anew" in command
            found.append((seed, again))
            log.write_text(f"Info: Max frequency for clock 'clk': {promised[seed]} MHz (PASS)\nInfo: Routing..\n")
            mhz = anew[seed] if again else achieved[seed]
            if mhz is None:
                raise OutOfTime(doing)
            (folder / "timing.json").write_text(json.dumps({"fmax": {"clk": {"achieved": mhz}}}))

        monkeypatch.setattr(placements, "run_logged", placing)
        return found

    return made


def placed(folder: Path, most: int, clock_mhz: float = 100.0) -> SynthesisReport:
    return fastest(COUNTED, [PLAIN, ANEW], folder, Aim("top", clock_mhz, most, Limits(time_s=500)))


def test_placements_are_tried_until_the_clock_is_met_and_the_fastest_counts(
    tmp_path: Path, runs: Callable[..., Runs]
) -> None:
    achieved = {"1": 80.0, "2": 95.0, "3": 90.0, "4": 120.0}
    seeds = runs(dict.fromkeys(achieved, 99.26), achieved, {})
    few = placed(tmp_path, 3)
    assert (seeds, few.fmax_mhz) == ([("1", False), ("2", False), ("3", False)], 95.0)
    assert few.notes == ("placement 2 of at most 3", "counted", "99.3 MHz expected after placement")
    seeds.clear()
    many = placed(tmp_path, 9)
    assert ([seed for seed, _ in seeds], many.fmax_mhz) == (["1", "2", "3", "4"], 120.0)
    assert many.notes[0] == "placement 4 of at most 9"
    seeds.clear()
    one = placed(tmp_path, 1)
    assert (seeds, one.fmax_mhz, one.notes[0]) == ([("1", False)], 80.0, "counted")


def test_a_placement_whose_wires_alone_miss_the_clock_is_routed_once_more(
    tmp_path: Path, runs: Callable[..., Runs]
) -> None:
    """Of three placements the first promises too little; the second is met once slow wires are routed anew."""
    seeds = runs({"1": 99.0, "2": 104.0}, {"1": 95.0, "2": 95.0}, {"1": 101.0, "2": 101.0})
    found = placed(tmp_path, 3)
    assert seeds == [("1", False), ("2", False), ("2", True)]
    assert found.fmax_mhz == 101.0
    assert found.notes[:2] == ("placement 2 of at most 3", "routed once more, slow wires anew")
    seeds.clear()
    slow = placed(tmp_path, 1, 200.0)
    assert (seeds, slow.fmax_mhz) == ([("1", False)], 95.0)


def test_the_first_routing_counts_where_the_second_takes_too_long_and_that_is_said(
    tmp_path: Path, runs: Callable[..., Runs]
) -> None:
    runs({"1": 104.0}, {"1": 95.0}, {"1": None})
    found = placed(tmp_path, 1)
    assert (found.fmax_mhz, found.missing) == (95.0, ())
    assert found.notes[-1].startswith(
        "routed once more, slow wires anew: not routed: the time limit of 500 s struck in"
    )


def test_a_slower_second_routing_does_not_count(tmp_path: Path, runs: Callable[..., Runs]) -> None:
    runs({"1": 104.0}, {"1": 95.0}, {"1": 94.0})
    assert placed(tmp_path, 1).fmax_mhz == 95.0


def test_the_slowest_clock_counts_with_its_path() -> None:
    step = {"delay": 1.5, "from": {"cell": "a"}, "to": {"cell": "b"}}
    path = [{**step, "type": "clk-to-q"}, {**step, "type": "routing", "delay": 2.0}, {**step, "type": "setup"}]
    content = {
        "fmax": {"fast": {"achieved": 300.0}, "clk": {"achieved": 200.0}},
        "critical_paths": [
            {"from": "async", "to": "posedge clk", "path": path[:1]},
            {"from": "posedge clk", "to": "posedge clk", "path": path},
        ],
    }
    report = with_timing(SynthesisReport("t", Origin.OPEN_FLOW), json.dumps(content))
    assert (report.fmax_mhz, report.delay_ns) == (200, 5)
    assert report.notes == ("longest path: a to b, 3.0 ns of logic, 2.0 ns of 1 wires",)
    no_path = {**content, "critical_paths": [{"from": "posedge clk", "to": "posedge clk", "path": []}]}
    for wrong in (json.dumps(no_path), "{}", "no", '{"fmax": {}}', '{"fmax": {"clk": {}}}'):
        with pytest.raises(QcompressError, match="nextpnr: its report gives no clock"):
            with_timing(SynthesisReport("t", Origin.OPEN_FLOW), wrong)
