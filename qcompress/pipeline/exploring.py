"""What is asked of a training before and after it: the learning-rate finder, the loss around the data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qcompress.candidate import Candidate
from qcompress.candidate.figures import TRAINING, LandscapeFigures, QuantizationFigures, SweepFigures
from qcompress.config import Config, parse_config
from qcompress.detectors import TEST, Network
from qcompress.errors import QcompressError
from qcompress.files import write_whole
from qcompress.graph import Graph
from qcompress.pipeline.job import Job
from qcompress.pipeline.own_models import OwnModel, build_networks, named_in
from qcompress.pipeline.runner import run
from qcompress.pipeline.training import Feed, take_weights, training_data
from qcompress.progress import Reporter


class Sweeps(NamedTuple):
    """What the learning-rate finder does: `steps` batches between two rates, for each weight decay."""

    lowest: float
    highest: float
    steps: int
    weight_decays: list[float]

    def check(self) -> None:
        """Raises QcompressError for what cannot be swept."""
        if not 0 < self.lowest < self.highest:
            raise QcompressError(
                f"lr-find: rates from {self.lowest:g} to {self.highest:g}; give --lowest above 0 and below --highest"
            )
        if min(self.weight_decays) < 0:
            raise QcompressError(f"lr-find: weight decay {min(self.weight_decays):g}; give 0 or more")


def find_learning_rates(
    config: Config, folder: Path, sweeps: Sweeps, reporter: Reporter
) -> dict[str, list[SweepFigures]]:
    """A sweep for every network of a config and every weight decay of sweeps; suggestions by network.

    Of the candidate in folder only the sample is made; CSV and figure go into its folder lr_find. reporter: shows how
    far it is.
    """
    from qcompress.training.fit import make_deterministic

    sweeps.check()
    make_deterministic(config.seed)
    candidate = run(config, folder, "sample", reporter)
    with candidate.locked():
        job = Job(config, candidate, candidate.detector, named_in(config))
        names = [network.name for network in _networks(job)]
        return {name: _find(job, name, place, sweeps, reporter) for place, name in enumerate(names)}


def _networks(job: Job) -> tuple[Network, ...]:
    """Fresh networks."""
    return build_networks(job.detector, job.config.network, job.front_end, job.models)


def _find(job: Job, name: str, place: int, sweeps: Sweeps, reporter: Reporter) -> list[SweepFigures]:
    """The sweeps of one network, the `place`-th of its detector; those before it have fresh weights."""
    from qcompress.plots.training import finder_figure
    from qcompress.training.lr_finder import find_learning_rate

    config, size = job.config, job.config.training.batch_size

    def fresh() -> tuple[Any, Any]:
        network = _networks(job)[place]
        return network.trained, network.loss

    networks = _networks(job)
    before = {one.name: job.detector.graph(one.name, one.quantized, config.network) for one in networks[:place]}
    rows = job.detector.rows(job.sample, job.front_end, name)
    data = training_data(Feed(job, networks[place], rows, before))
    if data.rows < size:
        raise QcompressError(f"batch_size {size}: the sample has only {data.rows} training rows")
    rates, report = np.geomspace(sweeps.lowest, sweeps.highest, sweeps.steps), reporter.task(f"lr-find {name}")
    swept = find_learning_rate(fresh, data, size, rates, sweeps.weight_decays, config.seed, report)
    base = job.candidate.folder / "lr_find" / name
    lines = ["weight_decay,learning_rate,loss,smoothed"]
    for sweep in swept:
        columns = zip(sweep.rates.tolist(), sweep.losses.tolist(), sweep.smoothed.tolist(), strict=True)
        lines += [f"{sweep.weight_decay!r},{rate!r},{loss!r},{mean!r}" for rate, loss, mean in columns]
    write_whole(base.with_suffix(".csv"), ("\n".join(lines) + "\n").encode())
    drawn = [(f"weight decay {s.weight_decay:g}", s.rates, s.losses, s.smoothed, s.suggested_maximum) for s in swept]
    finder_figure(drawn).savefig(base.with_suffix(".png"), dpi=110, metadata={"Software": None})
    reporter.close(f"lr-find {name}", f"done, see {base}.png")
    return [
        SweepFigures(
            sweep.weight_decay,
            sweep.suggested_maximum,
            rate_of_lowest_loss=float(sweep.rates[int(np.argmin(sweep.smoothed))]),
            lowest_loss=float(sweep.smoothed.min()),
        )
        for sweep in swept
    ]


def explore(folder: Path, reach: float, grid: int, reporter: Reporter) -> dict[str, LandscapeFigures]:
    """Loss landscape and distributions of every network of the trained candidate in folder, on its test rows.

    Gives figures by network; they and CSV go into the candidate's folder landscape. reach: how far, in standard
    deviations; grid: points on each axis; reporter: shows how far it is.
    """
    from qcompress.training.fit import make_deterministic

    candidate = Candidate.open(folder)
    trained = candidate.figures_of(TRAINING)
    config = parse_config(candidate.manifest["config"], folder)
    with candidate.locked():
        make_deterministic(config.seed)
        own = {name: OwnModel(f"model of {name}", candidate.model(name)) for name, told in trained.items() if told.own}
        job = Job(config, candidate, candidate.detector, own)
        figures: dict[str, LandscapeFigures] = {}
        graphs: dict[str, Graph] = {}
        for network in _networks(job):
            figures[network.name] = _explore(job, network, graphs, reach, grid, reporter)
            graphs[network.name] = job.detector.graph(network.name, network.quantized, config.network)
        return figures


def _explore(
    job: Job, network: Network, graphs: Mapping[str, Graph], reach: float, grid: int, reporter: Reporter
) -> LandscapeFigures:
    """Everything of one network; graphs: those of the networks before it."""
    from qcompress.plots.landscape import landscape_figure
    from qcompress.training.landscape import ELEMENTS, activation_distributions, landscape, weight_distributions

    take_weights(network, job.candidate.folder / "model")
    feed = Feed(job, network, job.detector.rows(job.sample, job.front_end, network.name), graphs)
    inputs, targets = feed.values(feed.few(TEST, ELEMENTS))
    report = reporter.task(f"landscape {network.name}")
    around = landscape(network.trained, network.loss, inputs, targets, reach, grid, report)
    base = job.candidate.folder / "landscape" / network.name
    lines = ["a,b,loss"]
    places = [(a, b) for a in around.a.tolist() for b in around.b.tolist()]
    lines += [f"{a!r},{b!r},{loss!r}" for (a, b), loss in zip(places, around.loss.ravel().tolist(), strict=True)]
    write_whole(base.with_name(f"{network.name}_loss.csv"), ("\n".join(lines) + "\n").encode())
    smooth = around.smoothed()
    _save(landscape_figure(*smooth, around.share), base.with_name(f"{network.name}_loss.png"))
    own = inputs.reshape(len(inputs), -1)[:, : int(np.prod(network.quantized.input_shape[1:]))]
    kinds = {
        "weights": weight_distributions(network.quantized),
        "activations": activation_distributions(network.quantized, own.reshape(-1, *network.quantized.input_shape[1:])),
    }
    _draw_distributions(kinds, base)
    reporter.close(f"landscape {network.name}", f"done, see {base.parent}")
    lowest = np.unravel_index(int(smooth[2].argmin()), smooth[2].shape)
    return LandscapeFigures(
        elements=len(inputs),
        loss_at_data=float(around.loss[grid // 2, grid // 2]),
        lowest_loss=float(smooth[2].min()),
        lowest_at=(float(smooth[0][lowest[0]]), float(smooth[1][lowest[1]])),
        highest_loss=float(smooth[2].max()),
        variance_share=around.share,
        convex_share=around.convex_share(),
        distributions={
            kind: {name: QuantizationFigures(d.zeros, d.shift, d.noise) for name, d in layers.items()}
            for kind, layers in kinds.items()
        },
    )


def _draw_distributions(kinds: Mapping[str, Mapping[str, Any]], base: Path) -> None:
    from qcompress.plots.landscape import distributions_figure

    for kind, layers in kinds.items():
        if layers:
            values = {name: (found.before, found.after) for name, found in layers.items()}
            label = {"weights": "weight", "activations": "activation"}[kind]
            _save(distributions_figure(values, label), base.with_name(f"{base.name}_{kind}.png"))


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=110, metadata={"Software": None})
