"""Which test files several processes begin with: the longest, so that at the end none waits long for another."""

from pathlib import Path

LONGEST = (
    "detectors/hgcal/encoder/test_emulation.py",  # makes the shared candidate, for which others would wait
    "detectors/lartpc/simulation/test_fast_simulation.py",  # compiles kernels, which two processes would do at a time
    "detectors/tpc/simulation/test_fast_simulation.py",
    "targets/hls/test_project.py",
    "cli/test_run.py",
    "pipeline/test_foreign.py",
    "targets/test_casts.py",
    "targets/hls/test_silent_errors.py",
    "targets/cpp/test_emulator.py",
    "frontends/test_layer_table.py",
    "frontends/test_every_body.py",
    "detectors/hgcal/encoder/test_deployment.py",
    "detectors/test_cascade.py",
    "cli/test_train.py",
    "pipeline/test_code.py",
    "synthesis/test_flows.py",
    "test_notebooks.py",
    "cli/test_from_outside.py",
    "cli/test_evaluate.py",
    "cli/test_synth.py",
    "detectors/tpc/networks/test_networks.py",
    "targets/test_ports.py",
    "targets/cpp/test_images.py",
    "targets/cpp/test_ports.py",
    "targets/rtl/test_constant.py",
    "targets/rtl/test_loadable.py",
    "frontends/test_several_ports.py",
    "frontends/test_qkeras.py",
    "frontends/test_random_models.py",
)


def place(test_file: Path, tests: Path) -> int:
    """Where a file stands in the order; those that are not among the longest come last."""
    name = test_file.relative_to(tests).as_posix()
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)
