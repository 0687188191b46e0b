"""How near sums of fast distances come to the EMD of modules and what a trained encoder decodes of them.

    python campaigns/emd_surrogate.py CANDIDATE SAMPLE [--rows 6000]

CANDIDATE: a trained encoder's folder; SAMPLE: of its detector. Exact distances of training modules from their decoded
shares are fitted, without a constant, by the sliced EMD, by the shares that moved, and by both: the loss
`emd_surrogate` has the last row's factors.
"""

import argparse
from pathlib import Path

import numpy as np
from response_codecs import codec

from qcompress.detectors import TRAIN
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.encoder import losses
from qcompress.detectors.hgcal.evaluation.events import modules
from qcompress.detectors.hgcal.evaluation.possible import as_shares
from qcompress.detectors.hgcal.module import geometry
from qcompress.fixedpoint import Values
from qcompress.metrics.emd import emd


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("candidate", type=Path)
    parser.add_argument("sample", type=Path)
    parser.add_argument("--rows", type=int, default=6000)
    given = parser.parse_args()
    columns = samples.read(given.sample).columns
    some = np.flatnonzero(columns["split"] == TRAIN)[: given.rows]
    of_modules = modules({name: column[some] for name, column in columns.items()})
    found = codec(str(given.candidate)).transverse(of_modules)
    held = (of_modules.charge > 0).any(axis=1) & (found > 0).any(axis=1)
    true, got = (as_shares(geometry.channels_to_train(each[held])) for each in (of_modules.charge, found))
    distance = emd(true, got, geometry.emd_cost())
    sliced, moved = np.abs((true - got) @ losses.slices()).sum(axis=1), np.abs(true - got).sum(axis=1)
    print(f"{len(true)} training modules, mean EMD {distance.mean():.3f}\n")
    print("| | sliced EMD | shares that moved | correlation with the EMD |\n|---|---|---|---|")
    for name, terms in (("sliced", [sliced]), ("moved", [moved]), ("both", [sliced, moved])):
        table = np.stack(terms, axis=1)
        factors: Values = np.linalg.lstsq(table, distance, rcond=None)[0]
        cells = {"sliced": [f"{factors[0]:.3f}", ""], "moved": ["", f"{factors[0]:.3f}"]}
        shown = cells.get(name) or [f"{factor:.3f}" for factor in factors]
        print("| " + " | ".join([name, *shown, f"{np.corrcoef(table @ factors, distance)[0, 1]:.4f}"]) + " |")


if __name__ == "__main__":
    main()
