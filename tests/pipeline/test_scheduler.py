"""Work that follows other work: the order is kept, few at a time, the first fault ends it."""

import threading

import pytest

from qcompress.pipeline.scheduler import AT_ONCE, run_in_order

AFTER = {
    "sample": (),
    "train": ("sample",),
    "compile": ("train",),
    "verify": ("sample", "compile"),
    "draw": ("sample",),
}


def test_each_begins_when_those_before_it_are_done():
    done: list[str] = []
    running: set[str] = set()
    most = 0
    lock = threading.Lock()

    def work(name: str) -> None:
        nonlocal most
        with lock:
            assert set(AFTER[name]) <= set(done)
            running.add(name)
            most = max(most, len(running))
        threading.Event().wait(0.01)
        with lock:
            running.remove(name)
            done.append(name)

    run_in_order(AFTER, work)
    assert sorted(done) == sorted(AFTER)
    assert most == AT_ONCE


def test_what_is_no_key_is_done_already():
    done: list[str] = []
    run_in_order({"verify": ("compile",), "report": ("verify",)}, done.append)
    assert done == ["verify", "report"]


def test_the_first_fault_is_raised_when_the_others_have_ended():
    ended = threading.Event()
    begun: list[str] = []

    def work(name: str) -> None:
        begun.append(name)
        if name == "train":
            raise ValueError("no rows")
        if name == "draw":
            threading.Event().wait(0.1)
            ended.set()

    with pytest.raises(ValueError, match="no rows"):
        run_in_order(AFTER, work)
    assert ended.is_set()
    assert sorted(begun) == ["draw", "sample", "train"]
