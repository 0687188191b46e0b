"""What an encoder is trained on: trigger-cell codes, normalised charges as targets, each module's place beside."""

from pathlib import Path

import numpy as np

from qcompress.detectors import Rows
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.encoder import charge_sharing, decoders, models
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.rows import Float32, Numbers
from qcompress.fixedpoint import Codes


def rows(path: Path) -> Rows:
    """The modules of the sample at `path`, for training.

    Its columns are kept as they lie in the file, charges are made of them when they are read.
    """
    with samples.Handle(path) as handle:
        handle.events()
        wanted = ("codes", "split", "masked", "high_density", *decoders.CONDITIONS)
        columns = handle.read([name for name in wanted if name in handle.columns])
    front_end = FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist())

    def chosen(numbers: Numbers) -> samples.Columns:
        return {name: column[numbers] for name, column in columns.items()}

    def read(numbers: Numbers) -> tuple[Codes, Float32]:
        own = chosen(numbers)
        targets = models.normalised_targets(geometry.ae_to_train(charge_sharing.module_calq(front_end, own)))
        if "masked" in own:
            targets[own["masked"] == 1] = 0
        return own["codes"], targets

    def side(numbers: Numbers) -> Float32:
        own = chosen(numbers)
        sums = charge_sharing.link_sums(charge_sharing.module_calq(front_end, own))
        return decoders.conditions(own, charge_sharing.sums_of_links(sums))

    return Rows(np.asarray(columns["split"], np.uint8), read, side)
