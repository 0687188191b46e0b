"""Maxima of simulated frames for campaigns: samples and codes on disk, the part a network sees, networks as bodies."""

import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors import TEST, TRAIN, VALIDATION
from qcompress.detectors.tpc.networks import maxima
from qcompress.detectors.tpc.networks.models import CLASSIFIER, JOINT, NetworkOptions, build_model
from qcompress.detectors.tpc.networks.stages import RATIO_FORMAT, CentreDivision
from qcompress.detectors.tpc.networks.windows import CLASSICAL, EXTRAS, Layout
from qcompress.detectors.tpc.simulation import fast_simulation
from qcompress.errors import MismatchError
from qcompress.frontends.qkeras import from_keras, predict
from qcompress.training.data import StreamedData, TrainingData
from qcompress.verification import products

CHECKED = 300
"""Maxima of a frame of which the graph's codes are compared with Keras'."""
AT_ONCE = 65536
TARGETS = 7


def columns(layout: Layout, whole: Layout) -> Any:
    """Places of the numbers of a layout among those of a `whole` one that holds it, with all that stands beside.

    Chambers are apart for windows of any height, so the middle of a window is the smaller window.
    """
    at = np.arange(whole.window).reshape(whole.rows, whole.pads, whole.times)
    sizes = zip(whole[:3], layout[:3], strict=True)
    middle = at[tuple(slice((n - m) // 2, (n + m) // 2) for n, m in sizes)].ravel()
    beside = [range(whole.window, whole.window + len(EXTRAS))] * layout.extras
    beside += [range(whole.classical_at, whole.classical_at + len(CLASSICAL))] * layout.classical
    beside += [range(whole.size - 1, whole.size)] * layout.log_charge
    return np.concatenate([middle, *map(np.array, beside)]).astype(np.int64)


class Store:
    """Samples of one folder, made where they are missing, and the codes of their maxima.

    samples: name of a file -> kind and number of its frames; seed: of the simulation; wholes: largest layouts, the
    smaller ones first -> frames of each sample whose maxima are kept in it, None for all; test_frames: of each sample.
    """

    def __init__(
        self,
        folder: Path,
        samples: Mapping[str, tuple[str, int]],
        seed: int,
        wholes: Mapping[Layout, int | None],
        test_frames: int | None = None,
    ) -> None:
        self.folder, self._wholes, self._test_frames = folder, wholes, test_frames
        folder.mkdir(parents=True, exist_ok=True)
        self.samples = [folder / f"{name}.h5" for name in samples]
        for path, (kind, frames) in zip(self.samples, samples.values(), strict=True):
            if not path.exists():
                started = time.monotonic()
                print(f"{path.name}: {frames} frames of {kind}", flush=True)
                fast_simulation.simulate(kind, frames, seed, path)
                print(f"{path.name}: {time.monotonic() - started:.0f} s", flush=True)

    def whole_of(self, layout: Layout) -> Layout:
        """The smallest layout on disk that holds a layout."""
        return next(w for w in self._wholes if all(n <= m for n, m in zip(layout[:3], w[:3], strict=True)))

    @lru_cache(maxsize=2)  # noqa: B019 - there is one store
    def rows(self, whole: Layout) -> tuple[Any, Any, Any]:
        """Codes (n, whole.size) int16 and targets (n, 7), on disk, and the part (n,) of all maxima of all frames."""
        paths = [self.folder / f"{whole.size}_{name}.bin" for name in ("codes", "targets", "split")]
        if not paths[-1].exists():
            started, division = time.monotonic(), CentreDivision(whole)
            files = [path.with_suffix(".part").open("wb") for path in paths]
            for sample in self.samples:
                for frame, found, truth in islice(maxima.frames(sample, whole), self._wholes[whole]):
                    files[0].write(division.run(found.raw.astype(np.int64)).astype(np.int16).tobytes())
                    files[1].write(maxima.targets_of(frame, found, truth.matching, whole).tobytes())
                    files[2].write(np.full(len(found.raw), frame.split, np.uint8).tobytes())
            for file, path in zip(files, paths, strict=True):
                file.close()
                path.with_suffix(".part").rename(path)
            print(f"{paths[0].name}: {time.monotonic() - started:.0f} s", flush=True)
        split = np.fromfile(paths[2], np.uint8)
        codes = np.memmap(paths[0], np.int16, "r", shape=(len(split), whole.size))
        return codes, np.memmap(paths[1], np.float32, "r", shape=(len(split), TARGETS)), split

    def data(self, layout: Layout, whole: Layout | None = None) -> StreamedData:
        """The training and validation rows of a layout, of those of `whole` (None: the smallest that holds it)."""
        whole = whole or self.whole_of(layout)
        codes, targets, split = self.rows(whole)
        own, scale = columns(layout, whole), np.float32(2.0**-RATIO_FORMAT.fraction)

        def reader(part: int) -> Any:
            numbers = np.flatnonzero(split == part)
            return len(numbers), lambda some: (codes[numbers[some]][:, own] * scale, np.asarray(targets[numbers[some]]))

        (rows, read), (validation_rows, validation_read) = reader(TRAIN), reader(VALIDATION)
        return StreamedData(rows, read, validation_rows, validation_read, AT_ONCE)

    def tests(self, layout: Layout) -> Iterator[Any]:
        """The test frames that are scored, with windows of that layout."""
        whole = self.whole_of(layout)
        own = columns(layout, whole)
        for frame, found, truth in self._tests(whole):
            yield frame, found._replace(raw=found.raw[:, own]), truth

    @lru_cache(maxsize=2)  # noqa: B019 - there is one store
    def _tests(self, whole: Layout) -> list[Any]:
        return [e for sample in self.samples for e in islice(maxima.frames(sample, whole, TEST), self._test_frames)]


def resident(data: StreamedData, every: int = 1) -> TrainingData:
    """The same rows in memory, in which a network trains to the same weights in less time.

    every: one training row of so many.
    """
    kept = data.read(np.arange(0, data.rows, every))
    return TrainingData(*kept, *data.validation_read(np.arange(data.validation_rows)))


def body(model: Any, options: NetworkOptions, quantized: bool) -> Any:
    """What a network says of raw windows, as `score_frames` asks for it.

    options: name the one network; quantized: the values are the graph's: its codes are compared with Keras' on the
    first maxima of every frame. Raises MismatchError where they differ.
    """
    division, (network,) = CentreDivision(options.layout), options.networks
    graph = from_keras(model, network) if quantized else None

    def run(raw: Any) -> Any:
        codes = division.run(raw.astype(np.int64))
        values = predict(model, RATIO_FORMAT.to_values(codes)).astype(np.float64)
        if graph is not None and (graph.run(codes[:CHECKED]) != graph.output_format.to_codes(values[:CHECKED])).any():
            raise MismatchError(f"{network}: the graph and Keras differ")
        if network == JOINT:
            return values[:, :1], values[:, 1:]
        return (values, None) if network == CLASSIFIER else (None, values)

    return run


def products_of(options: NetworkOptions) -> int:
    """Multiplications of the one network of `options`, quantized or not, for one maximum."""
    (network,) = options.networks
    return products(from_keras(build_model(options, network), network))
