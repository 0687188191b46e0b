"""Make the candidates of firmware_configs/econt_w*.yaml, one after the other; start it again to go on.

    python benchmarks/campaign_candidates.py FOLDER [--until STEP] [NAME ...]

Candidates of one network differ in their targets only: the trained steps are copied from the first one, and the
pipeline, which compares the hashes of their inputs, takes them as they are.
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

CONFIGS = Path(__file__).resolve().parents[1] / "firmware_configs"
ORDER = ("constant", "loadable", "folded16", "folded4")
TRAINED = ("manifest.json", "sample", "model")


def network(name: str) -> str:
    """The part of a candidate's name that tells its network."""
    return re.sub(r"_[a-z]+\d*$", "", name)


def main() -> None:
    """Run every config, those with constant weights first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--until", default="report")
    parser.add_argument("names", nargs="*")
    given = parser.parse_intermixed_args()
    names = given.names or [path.stem for path in CONFIGS.glob("econt_w*.yaml")]
    for name in sorted(names, key=lambda name: (ORDER.index(name.rsplit("_", 1)[1]), name)):
        folder = given.folder / name
        sibling = given.folder / f"{network(name)}_constant"
        if not folder.exists() and (sibling / "model").is_dir():
            folder.mkdir(parents=True)
            for part in TRAINED:
                source = sibling / part
                (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / part)
        started = time.monotonic()
        command = [sys.executable, "-m", "qcompress.cli", "run", str(CONFIGS / f"{name}.yaml"), "--out", str(folder)]
        done = subprocess.run([*command, "--until", given.until], capture_output=True, text=True, check=False)
        words = "done" if done.returncode == 0 else f"exit {done.returncode}: {done.stderr.strip()}"
        print(f"{name}: {words}, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
