"""Leaves what has been collected out of the garbage collection: thousands of tests, and all modules that they import.

None of it ends before the run does, and each full collection would look at all of it.
"""

import gc
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for garbage only afterwards, and never in what there is then: a hook of pytest's."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
