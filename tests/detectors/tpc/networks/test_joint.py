"""One network with both heads: its loss, its integers through emulation, and its scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.toy_frames import write_sample

from qcompress.detectors import Firmware
from qcompress.detectors.tpc.detector import DETECTOR
from qcompress.detectors.tpc.evaluation.results import evaluate
from qcompress.detectors.tpc.networks.emulation import emulate
from qcompress.detectors.tpc.networks.losses import QUANTITIES, joint_loss, keep_loss, quantity_loss
from qcompress.detectors.tpc.networks.models import JOINT, NetworkOptions, build
from qcompress.frontends.qkeras import from_keras
from qcompress.graph import Chain
from qcompress.progress import silent
from qcompress.training.fit import make_deterministic

OPTIONS = NetworkOptions(networks=(JOINT,), window="3x3x3", layers=1, neurons=8, classical=True, threshold=0.4)


@pytest.fixture(scope="module")
def firmware() -> Firmware:
    make_deterministic(3)
    (network,) = build(OPTIONS)
    front_end = DETECTOR.front_end(OPTIONS)
    graph = from_keras(network.quantized, JOINT)
    behind = DETECTOR.postprocess(front_end, JOINT, graph)
    stages = (DETECTOR.preprocess(front_end, JOINT, {}), graph, *behind)
    chain = Chain(JOINT, stages, (JOINT, *(stage.name for stage in behind)))
    return Firmware.of_chains(front_end, {JOINT: chain})


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("joint") / "toy.h5", 2, 6, range(58, 64))


def test_the_loss_is_that_of_both_heads() -> None:
    rng = np.random.default_rng(1)
    targets, outputs = rng.random((20, 7)).astype("f4"), rng.normal(size=(20, 6)).astype("f4")
    targets[:, 0], targets[:, 6] = rng.integers(-1, 3, 20), 1
    judge = keep_loss(OPTIONS)
    expected = float(judge(targets, outputs[:, :1])) + float(quantity_loss(targets, outputs[:, 1:]))
    assert float(joint_loss(judge)(targets, outputs)) == pytest.approx(expected)


def test_emulation_writes_the_decision_and_the_quantities(firmware: Firmware, sample: Path, tmp_path: Path) -> None:
    said = emulate(firmware, sample, tmp_path / "c.csv", {}, silent)
    table = pd.read_csv(tmp_path / "c.csv")
    assert list(table.columns[-7:]) == ["decision", "logit_0", *(f"network_{name}" for name in QUANTITIES)]
    assert (table["decision"] == (table["logit_0"] / 256 > np.log(0.4 / 0.6))).all()
    assert 0 < table["decision"].mean() < 1
    assert f"{table['decision'].sum()} accepted" in said


def test_both_heads_are_scored(firmware: Firmware, sample: Path) -> None:
    found = evaluate(firmware, sample, 10_000, silent, every=True)
    assert [table.title for table in found.tables] == [
        "Clusters against threshold", "Savings", "Tracks against threshold", "Resolution"
    ]  # fmt: skip
    assert {"auc", "pad_rms_network"} <= set(found.summary)


def test_a_joint_network_stands_alone() -> None:
    for wrong in ({"networks": ("joint", "regressor")}, {"networks": ("joint",), "classes": 3}):
        with pytest.raises(ValueError, match="joint is both in one, stands alone and has classes: 2"):
            NetworkOptions.model_validate(wrong)
