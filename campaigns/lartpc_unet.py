"""The U-Net of liquid argon: why it learns, bits, losses, schedules, augmentation, larger images, and the seed's form.

    python campaigns/lartpc_unet.py FOLDER [--figures docs/figures] [--only TABLE...] [--finished]

Networks of `firmware_configs/lartpc_unet.yaml` with the changes of `lartpc_unet_tables.TABLES`, trained, verified on
Keras' layers, C++ and the C++ of all stages, and scored on test events by its integers. Tables are printed; with
--figures, figures are drawn there, the sweep of learning rates among them. FOLDER keeps samples and candidates; a
campaign that was stopped goes on; --finished prints what is there. A training of one epoch of patches takes about half
a minute of one processor.
"""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

os.environ |= {f"TF_NUM_{which}OP_THREADS": "1" for which in ("INTRA", "INTER")}

import lartpc_unet_float
import numpy as np
import numpy.typing as npt
import yaml
from lartpc_unet_figures import scores_figure
from lartpc_unet_tables import CONFIG, SAMPLES, SCORED, SWEEP, TABLES, Form, Row, overlaps, told
from one_line import in_one_line
from rich.console import Console

from qcompress import pipeline
from qcompress.candidate import Candidate
from qcompress.candidate.figures import TRAINING, VERIFICATION
from qcompress.config import Config, load_config
from qcompress.config.changes import changed
from qcompress.detectors import TRAIN
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.evaluation import hit_results
from qcompress.detectors.lartpc.evaluation.hit_scores import confusion
from qcompress.detectors.lartpc.images.models import UNET
from qcompress.detectors.lartpc.images.rows import Settings, Tiles, settings_of, tiles
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.progress import Reporter
from qcompress.report.tables import as_markdown

ALL = 1 << 30
FASTER = {"targets.cpp": {"machine": "native"}, "verification": {"test_rows": 3, "random_rows": 1}}
BEST = "best_validation"


class Campaign:
    """What is in a folder: samples, candidates by name, their scores."""

    def __init__(self, folder: Path, reporter: Reporter) -> None:
        self.folder, self.reporter = folder, reporter
        self._held: dict[tuple[Path, Settings], Tiles] = {}

    def sample(self, name: str) -> Path:
        """The sample of that name, simulated if it is not there."""
        kind, events = SAMPLES[name]
        path = self.folder / f"{kind}-{events}.h5"
        if not path.is_file():
            fast_simulation.simulate(kind, events, load_config(CONFIG).seed, path, self.reporter.task(path.name))
        return path

    def tiles(self, path: Path, settings: Settings) -> Tiles:
        """Tiles of a sample; they are held, so that they are read once."""
        return self._held.setdefault((path, settings), tiles(path, settings))

    def config(self, form: Form) -> Config:
        """The config of a form, written beside its candidate."""
        sample = {"file": str(self.sample(form.sample).resolve())}
        changes = {**FASTER, **form.changes, "name": form.name, "sample": sample}
        if form.start is not None:
            changes["training.start"] = str(self.checkpoint(form.start).resolve())
            changes["training.initialization"] = "keras"
        if form.weighs:
            changes["network.images.class_weights"] = self.class_weights(form)
        path = self.folder / f"{form.name}.yaml"
        path.write_text(yaml.safe_dump(changed(yaml.safe_load(CONFIG.read_text()), changes), sort_keys=False))
        return load_config(path)

    def trained(self, form: Form) -> Candidate:
        """A candidate whose network is trained; its processor seconds are kept beside it."""
        config, started = self.config(form), time.process_time()
        made = pipeline.run(config, self.folder / form.name, "train", self.reporter)
        kept = self.folder / f"{form.name}.seconds"
        if not kept.is_file():
            kept.write_text(f"{time.process_time() - started:.0f}\n")
        return made

    def checkpoint(self, form: Form) -> Path:
        """The folder of the best weights of a form, which is trained if it is not."""
        if not form.floating:
            return self.trained(form).folder / "model" / "checkpoints" / BEST
        folder = self.folder / form.name
        if not (folder / f"{UNET}.keras").is_file():
            config, started = self.config(form), time.process_time()
            found = self.tiles(self.sample(form.sample), images_of(config))
            lartpc_unet_float.train(config, found, folder, self.reporter.task(form.name))
            (self.folder / f"{form.name}.seconds").write_text(f"{time.process_time() - started:.0f}\n")
        return folder

    def class_weights(self, form: Form) -> list[float]:
        """Inverse frequencies of nothing, shower and track among the pixels of training images, normalised."""
        plain = replace(form, weighs=False)
        found = self.tiles(self.sample(form.sample), images_of(self.config(plain)))
        parts = np.repeat(found.split, np.diff(found.first))
        lit = np.bincount(found.cells.kind[parts == TRAIN], minlength=3)[[samples.SHOWER, samples.TRACK]]
        pixels = int((found.split == TRAIN).sum()) * int(np.prod(found.view.shape))
        inverse = 1 / np.array([pixels - lit.sum(), *lit], np.float64)
        return [float(f"{weight:.3g}") for weight in inverse / inverse.sum()]

    def row(self, label: str, form: Form) -> Row:
        """A form, trained, verified and scored; scores are kept beside its candidate."""
        if form.floating:
            return self._floating_row(label, form)
        self.trained(form)
        candidate = pipeline.run(self.config(form), self.folder / form.name, "verify", self.reporter)
        kept = self.folder / f"{form.name}.npz"
        if not kept.is_file():
            np.savez(kept, network=self._scored(form, candidate))
        with np.load(kept) as file:
            counts = file["network"]
        verified = [one for own in candidate.figures_of(VERIFICATION).values() for one in own]
        training = candidate.figures_of(TRAINING)[UNET]
        return Row(
            label,
            counts,
            training.validation_loss or 0.0,
            training.epochs or 0,
            int((self.folder / f"{form.name}.seconds").read_text()),
            sum(one.mismatches for one in verified),
            sum(one.codes for one in verified),
        )

    def _floating_row(self, label: str, form: Form) -> Row:
        trained = form.start if form.means and form.start is not None else form
        folder, path = self.checkpoint(trained), self.sample(SCORED[form.sample])
        kept = self.folder / f"{form.name}.npz"
        if not kept.is_file():
            config = self.config(form)
            tiles_ = self.tiles(path, images_of(config))
            np.savez(kept, network=lartpc_unet_float.score(folder, tiles_, config, form.means))
        with np.load(kept) as file:
            counts = file["network"]
        history = np.atleast_1d(np.genfromtxt(folder / f"{UNET}_history.csv", delimiter=",", names=True))
        seconds = int((self.folder / f"{trained.name}.seconds").read_text())
        return Row(label, counts, float(history["val_loss"].min()), len(history), seconds, None, None)

    def _scored(self, form: Form, candidate: Candidate) -> npt.NDArray[np.float64]:
        """Confusions by event of the network's integers."""
        path, firmware = self.sample(SCORED[form.sample]), candidate.firmware()
        self.tiles(path, settings_of(firmware.front_end))
        hits = hit_results.scored_hits(firmware, path, ALL, self.reporter.task(f"score {form.name}"))
        return confusion(hits.event, hits.true, hits.decided)

    def rules(self, form: Form) -> dict[str, npt.NDArray[np.float64]]:
        """Confusions by event, of the hits that score a form, of rules without a network."""
        kept = self.folder / f"{form.name}-rules.npz"
        if not kept.is_file():
            path, settings = self.sample(SCORED[form.sample]), images_of(self.config(form))
            found = self.tiles(path, settings)
            test = hit_results.scored_tiles(found, path, ALL)
            decided = hit_results.other_rules(found, test)
            hits = hit_results.hits_of(found, test)
            np.savez(kept, **{name: confusion(hits.event, hits.true, own) for name, own in decided.items()})  # type: ignore[arg-type]
        with np.load(kept) as file:
            return {name: file[name] for name in file.files}

    def sweep(self, figures: Path) -> None:
        """The learning-rate finder on the config's own network."""
        folder = self.folder / SWEEP.name
        if not list((folder / "lr_find").glob("*.png")):
            found = pipeline.find_learning_rates(self.config(SWEEP), folder, SWEEPS, self.reporter)[UNET]
            (folder / "found.txt").write_text(", ".join(f"{own.suggested_maximum:.3f}" for own in found))
        print(f"suggested: {(folder / 'found.txt').read_text()}")
        (figures / "lartpc_unet_rates.png").write_bytes(next((folder / "lr_find").glob("*.png")).read_bytes())


def images_of(config: Config) -> Settings:
    """What a config says of its images."""
    return settings_of(config.network.model_dump()["images"])


SWEEPS = pipeline.Sweeps(1e-4, 1.0, 120, [0.0])


@in_one_line
def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--finished", action="store_true", help="only what is already scored")
    parser.add_argument("--only", nargs="*", choices=TABLES, default=list(TABLES))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with Reporter(Console(width=160)) as reporter:
        campaign = Campaign(given.folder, reporter)
        if given.figures and "schedules" in given.only:
            campaign.sweep(given.figures)
        for table in given.only:
            forms = TABLES[table].items()
            done = [own for own in forms if not given.finished or (given.folder / f"{own[1].name}.npz").is_file()]
            rows = [campaign.row(*own) for own in done]
            rules = campaign.rules(next(iter(TABLES[table].values())))
            print(as_markdown(told(table, rows, rules)), flush=True)
            if table == "bits":
                print(as_markdown(overlaps(rows)), flush=True)
            if given.figures:
                scores_figure(given.figures / f"lartpc_unet_{table}.png", table, rows, rules)


if __name__ == "__main__":
    main()
