"""Algorithms that campaigns name: of the chip, candidates by folder, published encoders as `published:FOLDER..`.

`FOLDER:transverse` is a candidate whose front end has the calibrations that physics would load; `learned:SAMPLE:NAME`
an algorithm whose sums are laid on trigger cells by regression on the sample's training modules, with the same links.
"""

import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.candidate.figures import SAMPLE, TRAINING
from qcompress.detectors import Decoders, Firmware
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.encoder.models import ENCODER
from qcompress.detectors.hgcal.evaluation import cmssw, codecs, published
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP, Codec
from qcompress.detectors.hgcal.evaluation.apart import common_events
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


def learned_of(algorithm: str) -> tuple[Path, str]:
    """Sample and name of `learned:SAMPLE:NAME`; raises QcompressError with the names there are."""
    sample, _, name = algorithm.removeprefix(LEARNED).rpartition(":")
    known = Regressions({}, {}, {}).codecs()
    if not sample or name not in known:
        raise QcompressError(f"{algorithm}: give {LEARNED}SAMPLE:NAME, NAME one of {', '.join(known)}")
    return Path(sample), name


def check_untrained(names: Iterable[str], sample: Path, rows: int | None = None) -> None:
    """Raises QcompressError if one of the algorithms learned of events of a sample that are to be scored.

    rows: of its first so many modules, all if None. Of a candidate whose training sample is not there only the hash of
    the whole sample is compared, which is said on stderr: some of its events in another file are not found.
    """
    taught: dict[str, Path] = {}
    for name in names:
        if name.startswith(LEARNED):
            taught[name] = learned_of(name)[0]
        elif name not in CHIP and not name.startswith((published.PREFIX, cmssw.PREFIX)):
            folder = Path(name.removesuffix(AS_PHYSICS))
            found = Candidate.open(folder)
            own = found.manifest["config"]["sample"].get("file")
            trained = Path(own) if own else folder / "sample" / "sample.h5"
            if trained.is_file():
                taught[name] = trained
            elif content_hash(sample) == found.figures_of(SAMPLE).content_hash:
                raise QcompressError(f"{sample}: trained {name}; give a sample of other events")
            else:
                print(f"{name}: its training sample is not here; only the whole sample was compared", file=sys.stderr)
    common = common_events(sample, taught.values(), every=True, rows=rows) if taught else {}
    for name, trained in taught.items():
        if common[trained]:
            raise QcompressError(f"{sample}: {common[trained]} of its events trained {name}; give other events")


@cache
def content_hash(path: Path) -> str:
    """Of a sample."""
    with samples.Handle(path) as handle:
        return handle.content_hash()


@cache
def codec(algorithm: str, links: str = "by-radius") -> Codec:
    """By the name that a command line gives; links: the allocation, which only what is learned depends on."""
    if algorithm in CHIP:
        return CHIP[algorithm]
    if algorithm.startswith(LEARNED):
        sample, name = learned_of(algorithm)
        learned = learn(sample, LinkAllocation.named(links))
        if learned is None:
            raise QcompressError(f"{sample}: no training module holds any charge; give another sample to {algorithm}")
        return learned.regressions.codecs()[name]
    if algorithm.startswith((published.PREFIX, cmssw.PREFIX)):
        return (published.algorithms([algorithm]) | cmssw.algorithms([algorithm]))[algorithm]
    known = codecs.table(*candidate(Path(algorithm.removesuffix(AS_PHYSICS))), None)
    key = codecs.TRANSVERSE if algorithm.endswith(AS_PHYSICS) and codecs.TRANSVERSE in known else ENCODER
    return known[key]._replace(title=title(algorithm))


def title(algorithm: str) -> str:
    """What tables call an algorithm: its own title, or the name of a candidate."""
    if algorithm.startswith(LEARNED):
        return Regressions({}, {}, {}).codecs()[learned_of(algorithm)[1]].title
    if algorithm in CHIP or algorithm.startswith((published.PREFIX, cmssw.PREFIX)):
        return codec(algorithm).title
    return f"AE {Path(algorithm).name.removeprefix('econt_seed_').replace(':', ', ')}"
