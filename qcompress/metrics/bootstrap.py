"""Statistical errors by the bootstrap: events are drawn anew, with replacement, and what they say is computed again."""

from collections.abc import Callable

import numpy as np

from qcompress.fixedpoint import Values

RESAMPLES = 500


def over_events(
    counts: Values, statistic: Callable[[Values], Values], seed: int = 1, resamples: int = RESAMPLES
) -> tuple[Values, Values]:
    """A statistic of summed counts, and its standard deviation over resampled events.

    counts (events, k): what each event counts; statistic: sums (..., k) -> (..., m). One event alone has no error: NaN,
    as is a share of nothing.
    Efron, Ann. Statist. 7, 1 (1979).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = statistic(counts.sum(axis=0))
        if len(counts) < 2:
            return value, np.full(np.shape(value), np.nan)
        share = np.full(len(counts), 1 / len(counts))
        times = np.random.default_rng(seed).multinomial(len(counts), share, resamples)
        return value, np.asarray(statistic(times @ counts).std(axis=0))
