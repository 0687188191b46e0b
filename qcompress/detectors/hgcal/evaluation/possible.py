"""What is possible with so many bits: two codecs that no chip has, fitted on training modules; the module sum is free.

Residual vector quantization: stage after stage the nearest of 1024 words to what is left, ten bits each. Transform
coding: principal components of the modules' shares, each on a uniform grid, bits given one by one to the component that
loses most without. Both see shares of the module sum and give such shares back, none negative, of sum 1.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Codes, Values

WORDS = 1024
WORD_BITS = 10
ROUNDS = 12
"""Of k-means, for each stage."""
REACH = 3.0
"""Standard deviations of a component that its grid covers, on either side."""
Singles = npt.NDArray[np.float32]


def as_shares(charges: Values) -> Values:
    """Charges (n, 48), or shares of any sum -> shares (n, 48), none negative; rows without any give equal ones."""
    kept = np.maximum(charges, 0.0)
    kept = np.where(kept.any(axis=1, keepdims=True), kept, 1.0)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class ResidualQuantizer:
    """words (stages, 1024, 48): of each stage, what it adds."""

    words: Singles

    @classmethod
    def fitted(cls, shares: Values, stages: int, seed: int) -> "ResidualQuantizer":
        """So many `stages`, each k-means on what the ones before leave of training `shares` (n, 48); n >= 1024."""
        rng, left, words = np.random.default_rng(seed), shares.astype(np.float32), []
        for _ in range(stages):
            words.append(_means(left, rng))
            left = left - words[-1][_nearest(left, words[-1])]
        return cls(np.stack(words))

    def encode(self, shares: Values) -> Codes:
        """Shares (n, 48) -> the number of a word of each stage, (n, stages)."""
        left, found = shares.astype(np.float32), []
        for words in self.words:
            found.append(_nearest(left, words))
            left = left - words[found[-1]]
        return np.stack(found, axis=1)

    def decode(self, numbers: Codes, stages: int) -> Values:
        """Shares (n, 48) from the first `stages` of the `numbers` of words."""
        parts = [self.words[stage][numbers[:, stage]] for stage in range(stages)]
        return as_shares(np.sum(parts, axis=0, dtype=np.float64))


def _nearest(rows: Singles, words: Singles) -> Codes:
    """The number of the word nearest to each row, (n,)."""
    half = (words * words).sum(axis=1) / 2
    parts = np.array_split(rows, len(rows) // 16_384 + 1)
    return np.concatenate([(part @ words.T - half).argmax(axis=1) for part in parts])


def _means(rows: Singles, rng: np.random.Generator) -> Singles:
    """k-means: WORDS words; a word that no row is nearest to becomes a row drawn by chance."""
    words = rows[rng.choice(len(rows), WORDS, replace=False)]
    for _ in range(ROUNDS):
        near = _nearest(rows, words)
        counts = np.bincount(near, minlength=WORDS)
        order = np.argsort(near, kind="stable")
        sums = np.add.reduceat(rows[order], np.concatenate([[0], np.cumsum(counts[counts > 0])[:-1]]), axis=0)
        words = rows[rng.choice(len(rows), WORDS, replace=False)]
        words[counts > 0] = sums / counts[counts > 0, None]
    return words


@dataclass(frozen=True, eq=False)
class TransformCodec:
    """mean (48,); components (48, 48), in columns; spread (48,): standard deviation of each; bits (48,): of each."""

    mean: Values
    components: Values
    spread: Values
    bits: Codes

    @classmethod
    def fitted(cls, shares: Values, bits: int) -> "TransformCodec":
        """For so many `bits` in all, from training `shares` (n, 48)."""
        mean = shares.mean(axis=0)
        variances, components = np.linalg.eigh(np.cov(shares.T))
        given, left = np.zeros(len(mean), np.int64), np.maximum(variances, 0.0)
        for _ in range(bits):
            place = int(left.argmax())
            given[place] += 1
            left[place] /= 4
        return cls(mean, components, np.sqrt(np.maximum(variances, 0.0)), given)

    def __call__(self, shares: Values) -> Values:
        """Shares (n, 48) -> what is decoded of them, (n, 48)."""
        values = (shares - self.mean) @ self.components
        levels = 2.0**self.bits
        step = 2 * REACH * np.maximum(self.spread, np.finfo(np.float64).tiny) / levels
        code = np.clip(np.floor(values / step + levels / 2), 0, levels - 1)
        grid = (code - levels / 2 + 0.5) * step
        return as_shares(np.where(self.bits > 0, grid, 0.0) @ self.components.T + self.mean)
