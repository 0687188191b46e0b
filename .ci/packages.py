"""The wheel and the sdist, as a user gets them: every file in them, and the core running alone.

    python .ci/packages.py [--candidate FOLDER] [PYTHON ...]

For each interpreter a fresh environment gets the wheel and the core's libraries from constraints.txt, nothing else.
There `emulate`, `econt` and `tpc clusters` must write what this environment writes, byte for byte, `compare` must run,
and a command that needs an extra must end with one line that names it. FOLDER: a finished HGCAL candidate; without one,
the README's is trained for one epoch. Exit status 1 and a line if anything fails.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.registers import Algorithm, Registers, write_registers
from qcompress.errors import EXTRAS

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "firmware_configs" / "econt_48bit.yaml"
CANDIDATE = ROOT / "hls_projects" / "econt_48bit"
REFUSED = {
    "needs keras; install qcompress[train] or qcompress[hgq]": ("compile", "{candidate}/model/encoder.keras"),
    "needs hls4ml; install qcompress[hls]": (
        "compile",
        "../sum.layers",
        "--targets",
        "hls",
        "--input-format",
        "fixed<6,6>",
    ),
    "needs pyosys; install qcompress[rtl]": ("synth", "{candidate}", "--flow", "yosys-asic"),
    "needs pyarrow; install qcompress[physics]": ("data", "export", "{candidate}/sample/sample.h5", "a.parquet"),
}
"""What a command that needs an extra says in the core alone; {candidate}: the candidate's folder."""


class PackageError(Exception):
    """What is wrong, in one line."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="*", default=[sys.executable], metavar="PYTHON")
    parser.add_argument("--candidate", type=Path, default=CANDIDATE)
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="packages-") as scratch:
            check(given.pythons, given.candidate.resolve(), Path(scratch))
    except PackageError as fault:
        sys.exit(f"packages: {fault}")


def check(pythons: Sequence[str], candidate: Path, scratch: Path) -> None:
    """Build both packages, look into them, run the core of each interpreter."""
    said = run([sys.executable, "-m", "build", "--outdir", str(scratch / "dist"), str(tracked_files(scratch))], ROOT)
    wheel, sdist = next((scratch / "dist").glob("*.whl")), next((scratch / "dist").glob("*.tar.gz"))
    print(said.splitlines()[-1])
    tracked = run(["git", "ls-files", "qcompress"], ROOT).split()
    for package in (wheel, sdist):
        if absent := lacking(package, tracked):
            raise PackageError(f"{package.name} lacks {', '.join(absent)}")
    if not (candidate / "manifest.json").is_file():
        run([sys.executable, "-m", "qcompress.cli", "run", str(CONFIG), "--quick", "--out", str(candidate)], ROOT)
    write_inputs(candidate, scratch)
    expected = outputs([sys.executable, "-m", "qcompress.cli"], candidate, scratch / "here")
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(partial(check_core, wheel, candidate, scratch, expected), pythons):
            print(line, flush=True)


def check_core(wheel: Path, candidate: Path, scratch: Path, expected: dict[str, bytes], python: str) -> str:
    """The core alone in a fresh environment of an interpreter; what was found, in one line."""
    version = run([python, "-c", "import sys; print(*sys.version_info[:3], sep='.')"], scratch).strip()
    folder = scratch / version
    command = [str(install(python, wheel, scratch / f"venv-{version}")), "-m", "qcompress.cli"]
    found = outputs(command, candidate, folder)
    if found != expected:
        wrong = [name for name in expected if found.get(name) != expected[name]]
        raise PackageError(f"Python {version}: {', '.join(wrong)} differs from what {sys.executable} writes")
    check_refusals(command, candidate, folder)
    return f"Python {version}: core alone: {', '.join(sorted(found))} equal; {len(REFUSED)} extras named"


def tracked_files(scratch: Path) -> Path:
    """A copy of what git tracks: an egg-info beside the sources would bring files that the project does not name."""
    folder = scratch / "source"
    for name in run(["git", "ls-files"], ROOT).splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def lacking(package: Path, tracked: Iterable[str]) -> list[str]:
    """Files of the package's sources that a wheel or an sdist does not hold."""
    if package.suffix == ".whl":
        held = set(zipfile.ZipFile(package).namelist())
    else:
        with tarfile.open(package) as archive:
            held = {name.partition("/")[2] for name in archive.getnames()}
    return sorted(set(tracked) - held)


def install(python: str, wheel: Path, folder: Path) -> Path:
    """The interpreter of a fresh environment with the wheel in it, and no library of an extra."""
    run([python, "-m", "venv", str(folder)], ROOT)
    own = folder / "bin" / "python"
    pip = [str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "-c", str(ROOT / "constraints.txt"), str(wheel)], ROOT)
    there = [name for name in sorted({*sum(EXTRAS.values(), ())}) if succeeds([str(own), "-c", f"import {name}"])]
    if there:
        raise PackageError(f"{folder.name}: the core brings {', '.join(there)}")
    return own


def write_inputs(candidate: Path, folder: Path) -> None:
    """Registers and input words of the chip, digits of the TPC, a model of another front end; the same every time."""
    draw = random.Random(1)  # noqa: S311 - no secret
    front_end = FrontEnd.from_mapping(Candidate.open(candidate).manifest["front_end"])
    write_registers(Registers(Algorithm.BEST_CHOICE, front_end, links=5), folder / "init.yaml")
    words = [",".join(f"RX_DATA_{k}" for k in range(12))]
    words += [
        ",".join(f"{(9 if row == 0 else 10) << 28 | draw.getrandbits(28):08x}" for _ in range(12)) for row in range(500)
    ]
    (folder / "words.csv").write_text("\n".join(words) + "\n")
    cells = draw.sample([(pad, time) for pad in range(30) for time in range(60)], 900)
    digits = [f"0,{pad},{time},{draw.randrange(16, 4096) / 16}" for pad, time in sorted(cells)]
    (folder / "digits.csv").write_text("map,pad,time,charge\n" + "\n".join(digits) + "\n")
    (folder / "sum.layers").write_text('[{"kernel": [[1], [2]], "bias": [0]}]')


def outputs(command: list[str], candidate: Path, folder: Path) -> dict[str, bytes]:
    """What the core's commands write, by file name."""
    folder.mkdir()
    for arguments in (
        ("emulate", candidate, "../words.csv", "latents.csv"),
        ("econt", "run", "../init.yaml", "../words.csv", "frames.csv"),
        ("tpc", "clusters", "../digits.csv", "clusters.csv", "--npads", "30"),
        ("compare", candidate, "--csv", "compared.csv"),
    ):
        run([*command, *map(str, arguments)], folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def check_refusals(command: list[str], candidate: Path, folder: Path) -> None:
    """Each command that needs an extra ends with exit status 2, its last line names the extra, and no traceback."""
    for line, arguments in REFUSED.items():
        told = [*command, *(argument.format(candidate=candidate) for argument in arguments)]
        plug = os.environ | {"PYTHONPATH": str(ROOT / "tests" / "plug")}
        done = subprocess.run(told, cwd=folder, env=plug, capture_output=True, text=True, check=False)
        if done.returncode != 2 or done.stderr.splitlines()[-1:] != [f"error: {line}"] or "Traceback" in done.stderr:
            raise PackageError(
                f"{' '.join(told)}: exit {done.returncode}, {done.stderr[-300:]!r} where {line!r} is due"
            )


def succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run(command: list[str], folder: Path) -> str:
    """Standard output of a command that must succeed."""
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(f"{' '.join(command)}: exit {done.returncode}: {(done.stderr or done.stdout)[-600:]}")
    return done.stdout


if __name__ == "__main__":
    main()
