"""What an encoder is trained on: trigger-cell codes, normalised charges as targets, each module's place beside."""

from pathlib import Path

import numpy as np

from qcompress.detectors import FrontEndRegisters, Rows
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.frontend import OF_MODULES, FrontEnd, normalise
from qcompress.detectors.hgcal.encoder import charge_sharing, decoders, models
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.module.places import PLACE
from qcompress.detectors.rows import Float32, Numbers
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes


def rows(path: Path, front_end: FrontEndRegisters) -> Rows:
    """The modules of the sample at `path`, for training with the candidate's `front_end`.

    Its columns are kept as they lie in the file, charges are made of them when they are read.
    """
    with samples.Handle(path) as handle:
        handle.events()
        wanted = ("codes", "split", "masked", "high_density", *decoders.CONDITIONS)
        columns = handle.read([name for name in wanted if name in handle.columns])
        calibrated = samples.is_calibrated(handle.origin)
    chip, transverse = FrontEnd.from_mapping(front_end), front_end.get(OF_MODULES) == "transverse"
    if transverse and not (calibrated or "eta" in columns or set(PLACE) <= set(columns)):
        raise QcompressError(f"{path}: has neither eta nor {', '.join(PLACE)}, which calibration transverse needs")

    def calq(own: samples.Columns) -> Codes:
        return charge_sharing.transverse_calq(chip, own, calibrated) if transverse else of_chip(own)

    def of_chip(own: samples.Columns) -> Codes:
        return charge_sharing.module_calq(chip, own)

    def chosen(numbers: Numbers) -> samples.Columns:
        return {name: column[numbers] for name, column in columns.items()}

    def read(numbers: Numbers) -> tuple[Codes, Float32]:
        own = chosen(numbers)
        targets = models.normalised_targets(geometry.ae_to_train(calq(own)))
        if "masked" in own:
            targets[own["masked"] == 1] = 0
        return own["codes"], targets

    def side(numbers: Numbers) -> Float32:
        own = chosen(numbers)
        sums = charge_sharing.link_sums(calq(own))
        return decoders.conditions(own, charge_sharing.sums_of_links(sums))

    def seen(numbers: Numbers) -> Codes:
        return normalise(calq(chosen(numbers)))

    return Rows(np.asarray(columns["split"], np.uint8), read, side, seen if transverse else None)
