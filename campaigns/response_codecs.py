"""Algorithms that campaigns name: of the chip, candidates by folder, published encoders as `published:FOLDER..`.

`FOLDER:transverse` is a candidate whose front end has the calibrations that physics would load; `learned:SAMPLE:NAME`
an algorithm whose sums are laid on trigger cells by regression on the sample's training modules, with the same links.
"""

from argparse import ArgumentTypeError
from functools import cache, partial
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.candidate.figures import TRAINING
from qcompress.detectors import Decoders, Firmware
from qcompress.detectors.hgcal.encoder.models import ENCODER
from qcompress.detectors.hgcal.evaluation import cmssw, codecs, published
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP, Codec
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation
from qcompress.detectors.hgcal.evaluation.learned import Regressions, learn
from qcompress.errors import QcompressError

AS_PHYSICS = ":transverse"
LEARNED = "learned:"


def links_name(name: str) -> str:
    """An allocation of links, as a command line gives it: by-radius, signal-driven, march-2020[:FILE]."""
    try:
        LinkAllocation.named(name)
    except QcompressError as fault:
        raise ArgumentTypeError(str(fault)) from None
    return name


@cache
def candidate(folder: Path) -> tuple[Firmware, Decoders]:
    """A candidate's integers and its float decoder; imports Keras."""
    from qcompress.frontends.qkeras import load_model, predict

    found = Candidate.open(folder)
    names = [name for own in found.figures_of(TRAINING).values() for name in own.companions]
    return found.firmware(), {name: partial(predict, load_model(found.model(name))) for name in names}


@cache
def codec(algorithm: str, links: str = "by-radius") -> Codec:
    """By the name that a command line gives; links: the allocation, which only what is learned depends on."""
    if algorithm in CHIP:
        return CHIP[algorithm]
    if algorithm.startswith(LEARNED):
        sample, name = algorithm.removeprefix(LEARNED).rsplit(":", 1)
        learned = learn(Path(sample), LinkAllocation.named(links))
        if learned is None or name not in (known := learned.regressions.codecs()):
            raise SystemExit(f"{algorithm}: no such algorithm, or no training modules in {sample}")
        return known[name]
    if algorithm.startswith((published.PREFIX, cmssw.PREFIX)):
        return (published.algorithms([algorithm]) | cmssw.algorithms([algorithm]))[algorithm]
    known = codecs.table(*candidate(Path(algorithm.removesuffix(AS_PHYSICS))), None)
    key = codecs.TRANSVERSE if algorithm.endswith(AS_PHYSICS) and codecs.TRANSVERSE in known else ENCODER
    return known[key]._replace(title=title(algorithm))


def title(algorithm: str) -> str:
    """What tables call an algorithm: its own title, or the name of a candidate."""
    if algorithm.startswith(LEARNED):
        return Regressions({}, {}, {}).codecs()[algorithm.rsplit(":", 1)[1]].title
    if algorithm in CHIP or algorithm.startswith((published.PREFIX, cmssw.PREFIX)):
        return codec(algorithm).title
    return f"AE {Path(algorithm).name.removeprefix('econt_seed_').replace(':', ', ')}"
