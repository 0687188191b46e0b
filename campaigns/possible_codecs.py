"""EMD of codecs against bits: the chip's, decoded as well as it can be, beside what is possible at so many bits.

    python campaigns/possible_codecs.py SAMPLE [--rows 4000] [--training 50000] [--seed 1] [--also cmssw:2:pu ..]
        [--only threshold-if-sent ..]

SAMPLE: `qcompress simulate hgcal --sample electron-200pu-axis --events 7143 --seed 20250101`. Regressions, words and
components are fitted on its training modules, distances are of test modules: transverse charge before the 4E3M code
against what arrives. Beside the latents' bits of a link every codec has the module sum; frames hold more than that.
--only: of the chip's algorithms these alone, and no other codec than --also.
"""

import argparse
from pathlib import Path

import numpy as np

from qcompress.detectors import TEST, TRAIN
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.registers import latent_capacity
from qcompress.detectors.hgcal.evaluation import cmssw
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.evaluation.learned import learn
from qcompress.detectors.hgcal.evaluation.possible import WORD_BITS, ResidualQuantizer, TransformCodec, as_shares
from qcompress.detectors.hgcal.module import geometry
from qcompress.fixedpoint import Values
from qcompress.metrics.emd import emd

LINKS = (2, 3, 4, 5)
ON_LINKS = ("bc", "bc-equal", "bc-linear", "stc", "stc-shared", "stc-linear")
OF_ANY_SIZE = ("repeater", "threshold", "threshold-equal", "threshold-if-sent", "threshold-linear")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sample", type=Path)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--training", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--also", nargs="*", default=(), metavar="NAME", help="encoders that others made")
    parser.add_argument("--only", nargs="*", choices=(*ON_LINKS, *OF_ANY_SIZE), help="of the chip's algorithms")
    given = parser.parse_args()
    columns = samples.read(given.sample).columns
    test, train = (np.flatnonzero(columns["split"] == part) for part in (TEST, TRAIN))
    own = {name: column[test[: given.rows]] for name, column in columns.items()}
    cost = geometry.emd_cost()
    truth = geometry.channels_to_train(modules(own).charge)

    def row(name: str, bits: str, found: Values) -> None:
        distance = emd(truth, found, cost)
        some = distance >= 0
        mean, error = distance[some].mean(), distance[some].std() / np.sqrt(some.sum())
        cells = (f"{mean:.3f} +- {error:.3f}", f"{np.median(distance[some]):.3f}", str(int((~some).sum())))
        print("| " + " | ".join((name, bits, *cells)) + " |", flush=True)

    print(f"{len(truth)} test modules, {min(len(train), given.training)} of training\n")
    print("| codec | bits | mean EMD | median | nothing arrives |\n|---|---|---|---|---|")
    for name, codec in cmssw.algorithms(given.also).items():
        row(codec.title, name, geometry.channels_to_train(codec.transverse(modules(own))))
    for links in LINKS:
        names = (*ON_LINKS, *(OF_ANY_SIZE if links == LINKS[0] else ()))
        if given.only is not None:
            names = tuple(name for name in names if name in given.only)
        if not names:
            continue
        allocation = LinkAllocation(links)
        learned = learn(given.sample, allocation)
        known = dict(CHIP) | (learned.regressions.codecs() if learned else {})
        on_chip = modules(own, allocation)
        for name in names:
            bits = f"{links} links" if name in ON_LINKS else "any number"
            row(known[name].title, bits, geometry.channels_to_train(known[name].transverse(on_chip)))
    if given.only is not None:
        return
    some = {name: column[train[: given.training]] for name, column in columns.items()}
    training = as_shares(geometry.channels_to_train(modules(some).charge))
    shares = as_shares(truth)
    stages = -(-max(latent_capacity(links) for links in LINKS) // WORD_BITS)
    quantizer = ResidualQuantizer.fitted(training, stages, given.seed)
    numbers = quantizer.encode(shares)
    for links in LINKS:
        capacity = latent_capacity(links)
        used = -(-capacity // WORD_BITS)
        row("residual vector quantization", f"{used * WORD_BITS}", quantizer.decode(numbers, used))
        row("principal components", f"{capacity}", TransformCodec.fitted(training, capacity)(shares))


if __name__ == "__main__":
    main()
