"""Search: what choosing, handing out and entering trials takes beside the trials, and beside optuna's own threads.

    python benchmarks/bench_search.py [--trials 40] [--seconds 5] [--workers 2]

Every trial sleeps for so many seconds and gives a formula of its values, so that all else is the search's own: optuna
and its database, the trial's config, dask's workers in processes of their own, all results written while it goes on.
The peer is `optuna.Study.optimize` with as many threads, on the same space, the same sleep and a database of its own.
Last line: a thousand trials recorded one after another, and the time that a browser takes to open their page.
"""

import argparse
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import optuna
from rich.console import Console

from qcompress.progress import Reporter
from qcompress.search.asked import read_search
from qcompress.search.running import Loop, alone, open_study
from qcompress.search.study import FEWEST, Outcome
from qcompress.search.trial import Task
from qcompress.search.workers import one_by_one, workers_of

CONFIG = """\
name: timed
detector: tpc
sample: {simulate: sector-2pc, events: 8}
network: {}
training: {epochs: SECONDS}
targets: {hls: null}
search:
  space:
    network.layers: {low: 1, high: 4}
    network.neurons: {low: 4, high: 64}
    network.weight_bits: {low: 2, high: 8}
    training.learning_rate: {low: 0.001, high: 0.1, log: true}
  objectives: {auc: maximize, lut: minimize}
  trials: TRIALS
"""


def slept(task: Task) -> Outcome:
    """A trial that takes as many seconds as its config has epochs."""
    time.sleep(task.config["training"]["epochs"])
    return at_once(task)


def at_once(task: Task) -> Outcome:
    """A trial that takes no time and says that it took its seconds."""
    network, training = task.config["network"], task.config["training"]
    lut = network["layers"] * network["neurons"] * network["weight_bits"]
    figures = {"auc": 1 - 1 / lut - abs(training["learning_rate"] - 0.01), "lut": float(lut)}
    return Outcome(task.number, figures, seconds=float(training["epochs"]))


def searched(folder: Path, trials: int, seconds: int, workers: int) -> float:
    """Wall seconds of a search, its workers being there."""
    text = CONFIG.replace("SECONDS", str(seconds)).replace("TRIALS", str(trials))
    (folder / "c.yaml").write_text(text)
    search = read_search(folder / "c.yaml", folder / f"search{trials}", None)
    with Path("/dev/null").open("w") as nowhere, Reporter(Console(file=nowhere)) as reporter, alone(search.folder):
        if not workers:
            started = time.monotonic()
            Loop(search, open_study(search, None)).run(one_by_one, reporter, at_once)
            return time.monotonic() - started
        with workers_of(None, workers) as (run, _):
            list(run(iter([]), slept))
            started = time.monotonic()
            Loop(search, open_study(search, None)).run(run, reporter, slept)
            return time.monotonic() - started


def optimized(folder: Path, trials: int, seconds: int, workers: int) -> float:
    """The same with optuna alone."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["maximize", "minimize"], storage=f"sqlite:///{folder}/peer.db")

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        found = 1.0
        for name, (low, high) in {"layers": (1, 4), "neurons": (4, 64), "weight_bits": (2, 8)}.items():
            found *= trial.suggest_int(name, low, high)
        rate = trial.suggest_float("learning_rate", 0.001, 0.1, log=True)
        time.sleep(seconds)
        return 1 - 1 / found - abs(rate - 0.01), found

    started = time.monotonic()
    study.optimize(objective, n_trials=trials, n_jobs=workers)
    return time.monotonic() - started


def opening(page: Path, folder: Path) -> str:
    """What a browser says of the time until everything on a page is drawn."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        return "no browser"
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder}/browser",
        "--dump-dom",
    ]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, check=True)
    return done.stdout.partition('data-milliseconds="')[2].partition('"')[0] + " ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--recorded", type=int, default=1000, help="trials of the page")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        searched(folder, FEWEST, 1, 0)  # imports what it needs
        own = searched(folder, given.trials, given.seconds, given.workers)
        peer = optimized(folder, given.trials, given.seconds, given.workers)
        ideal = given.trials * given.seconds / given.workers
        print(f"{given.trials} trials of {given.seconds} s, {given.workers} at a time: {ideal:.1f} s by themselves")
        print(
            f"search {own:.1f} s, {100 * (own / ideal - 1):.2f} % beside the trials; optuna alone {peer:.1f} s, "
            f"{100 * (peer / ideal - 1):.2f} %; ratio {own / peer:.3f}"
        )
        many = searched(folder, given.recorded, 1, 0)
        page = folder / f"search{given.recorded}" / "search.html"
        print(
            f"{given.recorded} trials chosen and recorded in {many:.1f} s, {1000 * many / given.recorded:.0f} ms each; "
            f"page of {page.stat().st_size / 1e3:.0f} kB drawn in {opening(page, folder)}"
        )


if __name__ == "__main__":
    main()
