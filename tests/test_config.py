"""Faults in a config: one line with file, line, key and what to do."""

from pathlib import Path

import pytest
from helpers.paths import ROOT, own_configs

from qcompress.config import load_config, parse_config
from qcompress.errors import QcompressError, QcompressWarning

GOOD = (ROOT / "firmware_configs" / "econt_48bit.yaml").read_text()


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def test_all_configs_of_the_project_are_valid():
    paths = own_configs("*.yaml")
    assert len(paths) > 24
    for path in paths:
        assert load_config(path).name == path.stem


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("  epochs:", "  epohcs:", 25, "training.epohcs: unknown key; did you mean epochs?"),
        ("  latent_bits: 3", "  latent_bitz: 3", 19, "network.latent_bitz: unknown key; did you mean latent_bits?"),
        ("detector: hgcal", "detector: hgcl", 3, "detector 'hgcl' is not installed; did you mean hgcal?"),
        ("detector: hgcal", "detector: [1]", 3, "detector: [1] is no name"),
        ("  rtl: verilog", "  rtl_loadable: true", 36, "targets.rtl_loadable.reuse: give a reuse factor: 1 to"),
        (
            "  rtl: verilog",
            "  rtl_loadable: 0",
            36,
            "targets.rtl_loadable.reuse: Input should be greater than or equal to 1",
        ),
        ("sample:\n", "samples:\n", 6, "samples: unknown key; did you mean sample?"),
        ("seed: 20250101", "seed: many", 4, "seed: Input should be a valid integer"),
        ("  weight_bits: 6", "  weight_bits: 60", 17, "network.weight_bits: Input should be less than or equal to 16"),
        ("  arithmetic: exact", "  arithmetic: float", 11, "network.arithmetic: Input should be"),
        ("name: econt_48bit", "name: ../econt", 2, "name: String should match pattern"),
        ("  hls: vitis", "  hls: 7", 35, "targets.hls: give one of vitis, vivado, catapult, quartus"),
        ("  hls: vitis", "  hls: quartus\n  hls-quartus: {}", 33, "target hls-quartus is asked for twice"),
        (
            "  hls: vitis",
            "  hls-quartus: {backend: Vivado}",
            35,
            "backend is Quartus by its name; use hls with settings",
        ),
        ("  hls: vitis", "  hlss: null", 35, "no target 'hlss': did you mean hls?"),
        ("  simulate: electron-200pu-axis\n", "", 6, "sample: give either simulate or file"),
        ("seed: 20250101", "seed: 1\nseed: 2", 5, "key 'seed' is given twice"),
        ("seed: 20250101", "? [a]\n: 3", None, "not valid YAML"),
        ("seed: 20250101", "seed: 2001-99-99", None, "not valid YAML"),
        ("sample:\n", "sample: [\n", None, "not valid YAML"),
    ],
)
def test_a_fault_names_file_line_key_and_remedy(tmp_path, old, new, line, message):
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(QcompressError) as fault:
        load_config(path)
    assert message in str(fault.value)
    assert str(fault.value).startswith(f"{path}:{line}: " if line else f"{path}:")
    assert "\n" not in str(fault.value)


def test_a_missing_key_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(QcompressError, match=r"config.yaml:1: name: this key is missing"):
        load_config(write(tmp_path, GOOD.replace("name: econt_48bit", "")))
    with pytest.raises(QcompressError, match="no such config file"):
        load_config(tmp_path / "nothing.yaml")
    with pytest.raises(QcompressError, match="a config is a list of keys"):
        load_config(write(tmp_path, "just words"))


def test_a_relative_sample_file_lies_beside_the_config(tmp_path):
    text = GOOD.replace("  simulate: electron-200pu-axis\n", "  file: data/sample.h5\n")
    assert load_config(write(tmp_path, text)).sample.file == tmp_path / "data" / "sample.h5"


SELECT = "  simulate: electron-200pu\n  select: {layers: [1, 28], signal_share: 0.001, rows: 1000}\n"


def test_a_sample_may_be_selected_from_a_simulation_or_from_a_file(tmp_path):
    text = GOOD.replace("  simulate: electron-200pu-axis\n", SELECT)
    select = load_config(write(tmp_path, text)).sample.select
    assert (select.layers, select.signal_share, select.rows) == ((1, 28), 0.001, 1000)
    text = text.replace("  simulate: electron-200pu\n", "  file: sample.h5\n")
    assert load_config(write(tmp_path, text)).sample.select == select


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("layers", "layer", ":8: sample.select.layer: unknown key; did you mean layers?"),
        ("rows: 1000", "rows: none", ":8: sample.select.rows: Input should be a valid integer"),
        ("{layers: [1, 28], signal_share: 0.001, rows: 1000}", "all", ":8: sample.select: Input should be"),
        ("hgcal", "tpc_to_be", ":3: detector 'tpc_to_be' is not installed"),
    ],
)
def test_a_fault_in_a_selection_names_file_line_and_key(tmp_path, old, new, message):
    text = GOOD.replace("  simulate: electron-200pu-axis\n", SELECT).replace(old, new, 1)
    with pytest.raises(QcompressError) as fault:
        load_config(write(tmp_path, text))
    assert message in str(fault.value)


def test_quick_trains_one_epoch_and_does_not_synthesize(tmp_path):
    config = load_config(write(tmp_path, GOOD))
    assert (config.training.epochs, config.synthesis.flow) == (100, "yosys-xilinx")
    assert (config.quick().training.epochs, config.quick().synthesis.flow) == (1, None)


@pytest.mark.parametrize("payload", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system"])
def test_yaml_runs_no_code(tmp_path, payload):
    with pytest.raises(QcompressError, match="not valid YAML"):
        load_config(write(tmp_path, GOOD.replace("econt_48bit", payload)))


def test_hardware_reaches_targets_and_the_flow_unless_they_are_told(tmp_path):
    bare = GOOD.replace("  rtl: verilog", "  rtl: null").replace("synthesis:\n  flow: yosys-xilinx\n", "")
    plain = load_config(write(tmp_path, bare))
    assert (plain.hardware.told(), plain.synthesis.flow) == ({}, "yosys-xilinx")
    for section, part, flow in (
        ("{device: xc7k325tffg900-2, clock_mhz: 160}", "xc7k325tffg900-2", "yosys-xilinx"),
        ("{device: xc7k325tffg900-2, clock_mhz: 160, lut: 5}\nsynthesis: {flow: null}", "xc7k325tffg900-2", None),
    ):
        config = load_config(write(tmp_path, f"{bare}\nhardware: {section}\n"))
        hls = config.targets["hls"]
        assert (hls["part"], hls["clock_mhz"], config.synthesis.flow) == (part, 160.0, flow)
        again = parse_config(config.model_dump(mode="json"), tmp_path)
        assert again == config
    for device, flow in (("ecp5-85k", "yosys-ecp5"), ("sky130hd", "yosys-asic"), ("10AX115S2F45I2SG", None)):
        with pytest.warns(QcompressWarning, match=f"Vitis takes parts of AMD: device {device} is not used"):
            config = load_config(write(tmp_path, f"{bare}\nhardware: {{device: {device}}}\n"))
        assert (config.targets["hls"]["part"], config.synthesis.flow) == ("", flow)
    own = load_config(write(tmp_path, f"{bare}\nhardware: {{lut: 5, ff: 6}}\n"), {"lut": 7})
    assert own.hardware.told() == {"lut": 7, "ff": 6}


def test_a_config_of_an_older_manifest_is_read(tmp_path):
    stored = load_config(write(tmp_path, GOOD)).model_dump(mode="json")
    del stored["hardware"]
    stored["targets"]["hls"] = {"backend": "Vitis", "part": "xcvu13", "clock_period_ns": 5.0}
    config = parse_config(stored, tmp_path)
    assert (config.hardware.told(), config.choices()[1].target.part) == ({}, "xcvu13")


def test_a_flow_that_is_none_is_named(tmp_path):
    with pytest.raises(
        QcompressError, match=r"synthesis.flow: give one of yosys-xilinx, .*yosys-asic, or null, not 'x'"
    ):
        load_config(write(tmp_path, GOOD.replace("flow: yosys-xilinx", "flow: x")))


def test_a_misspelt_key_of_a_network_whose_detector_is_not_named_is_one_line(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("name: a\nsample: {simulate: electron-0pu}\nnetwork: {weight_bitz: 4}\n")
    with pytest.raises(QcompressError) as fault:
        load_config(path)
    assert "\n" not in str(fault.value)
    assert "detector" in str(fault.value)


def test_changes_by_dotted_key_stand_before_the_files_own(tmp_path):
    path = write(tmp_path, GOOD)
    changes = {"training.epochs": 7, "targets.rtl.latency_cutoff": 3, "hardware.lut": 100}
    found = load_config(path, changes=changes)
    assert (found.training.epochs, found.targets["rtl"]["latency_cutoff"], found.hardware.lut) == (7, 3, 100)
    assert load_config(path).training.epochs != 7
    with pytest.raises(QcompressError, match=r"training\.epohcs: unknown key; did you mean epochs\?"):
        load_config(path, changes={"training.epohcs": 7})


def test_a_section_search_is_no_part_of_a_candidate(tmp_path):
    text = f"{GOOD}\nsearch: {{space: {{training.epochs: [1, 2]}}, objectives: {{lut: minimize}}}}\n"
    found = load_config(write(tmp_path, text))
    assert found.search.space == {"training.epochs": [1, 2]}
    assert "search" not in found.model_dump(mode="json")
    with pytest.raises(QcompressError, match=r"search\.objektives: unknown key; did you mean objectives\?"):
        load_config(write(tmp_path, text.replace("objectives", "objektives")))
