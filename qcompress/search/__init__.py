"""Search over candidates: trials that the pipeline makes, chosen by optuna, side by side with dask."""

from qcompress.search.asked import Search, read_search
from qcompress.search.batch import check_system, job_script
from qcompress.search.front import make_front
from qcompress.search.records import PAGE, config_of_trial
from qcompress.search.running import run_search

__all__ = ["PAGE", "Search", "check_system", "config_of_trial", "job_script", "make_front", "read_search", "run_search"]
