"""How much processor time steps take: what the first run on another machine is told before it starts.

    python campaigns/durations.py FOLDER

Simulates a few events of every kind of each detector, then runs smaller copies of three configs in FOLDER, step by
step, and writes processor seconds of a unit of work, by step and kind, into `qcompress/pipeline/durations.json`. That
time, that of all processes, hardly depends on what else a machine does. What is in FOLDER is not made again.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.config import load_config
from qcompress.detectors import load_detector
from qcompress.files import write_json
from qcompress.pipeline.durations import ELSEWHERE, work_of
from qcompress.pipeline.job import Job
from qcompress.progress import silent

HERE = Path(__file__).resolve().parents[1]
CONFIGS = {
    "econt_48bit": {"events: 4000": "events: 1000"},
    "tpc_small": {"events: 4 ": "events: 3 "},
    "lartpc_unet": {"events: 120": "events: 40", "epochs: 4": "epochs: 1"},
}
"""Configs of the project, and what is smaller in them."""
STEPS = ("sample", "train", "compile", "verify", "synthesize", "evaluate")
EVENTS = 3
DIGITS = 2
"""Significant ones: more is not known of another machine."""


def processor() -> float:
    """Seconds of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def keep(folder: Path, key: str, seconds: float) -> None:
    """Enter a rate, and say so."""
    write_json(folder / "rates.json", kept(folder) | {key: float(f"{seconds:.{DIGITS}g}")})
    print(f"{key}: {seconds:.{DIGITS}g} s", flush=True)


def kept(folder: Path) -> dict[str, float]:
    """Rates by kind, as far as they are there."""
    path = folder / "rates.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def run(name: str, folder: Path) -> None:
    """The steps of a smaller copy of a config, each by itself."""
    text = (HERE / "firmware_configs" / f"{name}.yaml").read_text()
    for line, smaller in CONFIGS[name].items():
        assert line in text, (name, line)
        text = text.replace(line, smaller)
    (folder / f"{name}.yaml").write_text(text)
    config, place = load_config(folder / f"{name}.yaml"), folder / name
    for step in STEPS:
        if step == "synthesize" and config.synthesis.flow is None:
            continue
        if (place / "manifest.json").is_file() and step in Candidate.open(place).steps:
            continue
        began = processor()
        command = [sys.executable, "-m", "qcompress.cli", "run", str(folder / f"{name}.yaml"), "--until", step]
        subprocess.run([*command, "--out", str(place)], cwd=HERE, check=True, stdout=subprocess.DEVNULL)
        made = Candidate.open(place)
        key, units = work_of(step, Job(config, made, made.detector))
        keep(folder, key, (processor() - began) / units)


def simulate(name: str, folder: Path) -> None:
    """Events of every kind that is missing; one before the first, for what it compiles."""
    detector, warm = load_detector(name), False
    for kind in detector.kinds:
        if (key := f"sample {name} {kind}") in kept(folder):
            continue
        if not warm:
            detector.simulate(kind, 1, 1, folder / "warm.h5", silent)
            (folder / "warm.h5").unlink()
            warm = True
        began = processor()
        detector.simulate(kind, EVENTS, 1, folder / "some.h5", silent)
        keep(folder, key, (processor() - began) / EVENTS)
        (folder / "some.h5").unlink()


def main() -> None:
    """Run what is missing and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["QCOMPRESS_CACHE"] = str(folder / "cache")
    for name in ("lartpc", "tpc", "hgcal"):
        simulate(name, folder)
    for name in CONFIGS:
        run(name, folder)
    write_json(ELSEWHERE, dict(sorted(kept(folder).items())))


if __name__ == "__main__":
    main()
