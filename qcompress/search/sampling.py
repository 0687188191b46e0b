"""What chooses a trial's values: a sampler of optuna for each trial alone, so that it depends on seed and number."""

import optuna
from optuna.trial import FrozenTrial

from qcompress.config.search import SearchOptions

STEPS = 1_000_003
"""Between the seeds of two studies, so that their trials have none in common: a prime above all numbers of trials."""
LARGEST_POPULATION = 20
"""Of NSGA-II, of which a generation is: a search of some dozens of trials has several."""


class _Nsga2(optuna.samplers.NSGAIISampler):
    """Parents in the order of their trials, as optuna reads them again, also where it finds them first."""

    def select_parent(self, study: optuna.Study, generation: int) -> list[FrozenTrial]:
        """The trials that a `generation` is bred from; study: that of the search."""
        return sorted(super().select_parent(study, generation), key=lambda trial: trial.number)


def sampler(options: SearchOptions, number: int) -> optuna.samplers.BaseSampler:
    """Of trial `number` of a search with these `options` alone."""
    seed = (options.seed * STEPS + number) % 2**32
    if options.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if options.sampler == "nsga2":
        size = max(4, min(LARGEST_POPULATION, options.trials // 4))
        return _Nsga2(population_size=size, seed=seed)
    startup = max(5, min(10, options.trials // 4))
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup)
