"""The tests mirror the package: who looks for the test of a module finds it at the module's own path."""

import pytest
from helpers.order import LONGEST
from helpers.paths import ROOT

CONTRACTS = {
    "cli/test_evaluate.py": "a command from outside",
    "cli/test_from_outside.py": "every command in a fresh interpreter",
    "cli/test_run.py": "a command from outside, and what all commands do with its candidate",
    "cli/test_synth.py": "a command from outside, with compare",
    "cli/test_train.py": "commands from outside: train, lr-find, landscape",
    "detectors/hgcal/econt/test_chip_fuzz.py": "the chip's files, damaged",
    "detectors/hgcal/econt/test_chip_options.py": "the chip's settings, through its command",
    "detectors/hgcal/econt/test_chip_reference.py": "the whole chip against its published vectors",
    "detectors/hgcal/econt/test_chip_twin.py": "the whole chip against a second implementation",
    "detectors/hgcal/econt/test_narrow_arrays.py": "what every function of the chip takes",
    "detectors/hgcal/encoder/test_chip_training.py": "training, graph, chip and emulator together",
    "detectors/hgcal/encoder/test_model_configs.py": "configs of HGCAL networks from outside",
    "detectors/hgcal/module/test_layers_and_wafers.py": "two tables against each other",
    "detectors/hgcal/test_closure.py": "from words to centimetres and back",
    "detectors/lartpc/test_candidates.py": "candidates of the networks on wires from outside",
    "detectors/test_cascade.py": "a detector of two networks from outside",
    "detectors/tpc/networks/test_joint.py": "both heads in one network, from training to scores",
    "detectors/tpc/networks/test_networks.py": "a TPC candidate from outside",
    "frontends/test_every_body.py": "random networks in every body",
    "frontends/post_training/test_random_requests.py": "random models of floats by request",
    "frontends/test_public_models.py": "networks that others published",
    "frontends/test_random_models.py": "random networks against Keras",
    "frontends/test_random_hgq2.py": "random networks against HGQ2",
    "frontends/test_random_qonnx.py": "random networks against qonnx",
    "frontends/test_several_ports.py": "networks of several inputs and outputs",
    "graph/test_every_operation.py": "what every operation must do",
    "graph/test_faults.py": "what every operation must refuse",
    "graph/test_operations.py": "operations against plain Python integers",
    "serving/test_clients.py": "tritonclient against a service, over both protocols",
    "serving/test_fuzz.py": "damaged requests",
    "targets/cpp/test_images.py": "images through the whole emulator",
    "targets/hls/test_silent_errors.py": "what hls4ml gets wrong",
    "targets/test_casts.py": "every cast in every target",
    "targets/test_gold.py": "what targets write, as text",
    "targets/test_ports.py": "several inputs and outputs in every target",
    "targets/test_settings.py": "the settings of every target",
    "test_campaigns.py": "functions of campaigns",
    "test_docs.py": "the documents",
    "test_docs_blocks.py": "every block of the documents",
    "test_extras.py": "what the core does without",
    "test_firmware_configs.py": "the project's configs",
    "test_mirror.py": "the tests themselves",
    "test_notebooks.py": "the notebooks",
    "test_packages.py": "wheel and sdist",
    "test_rooms.py": "the law of the house",
}
"""Tests of no single module, and what they are about."""
TESTS = sorted(str(path.relative_to(ROOT / "tests")) for path in (ROOT / "tests").rglob("test_*.py"))


def mirrored(test: str) -> bool:
    """Whether a test file, NAME of `test_NAME.py` in a folder, has the path of a module or package."""
    module = ROOT / "qcompress" / test.replace("test_", "")
    return module.is_file() or (module.with_suffix("") / "__init__.py").is_file()


@pytest.mark.parametrize("test", TESTS)
def test_a_test_file_mirrors_a_module_or_is_a_contract(test: str) -> None:
    assert mirrored(test) != (test in CONTRACTS), "give it its module's path, or say in CONTRACTS what it is about"


@pytest.mark.parametrize("test", CONTRACTS)
def test_a_contract_is_there_and_lies_in_a_room(test: str) -> None:
    assert test in TESTS
    room = (ROOT / "qcompress" / test).parent
    assert (room / "__init__.py").is_file() or room.with_suffix(".py").is_file()


def test_the_longest_files_are_there() -> None:
    assert set(LONGEST) <= set(TESTS)
