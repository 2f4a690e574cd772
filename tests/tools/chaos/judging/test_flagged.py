"""What strikes a worker stands in for functions of the product: a worker that could not call it would strike itself."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from tests.tools.chaos.judging.flagged import PATCHES


@pytest.mark.parametrize(("kind", "name", "instead"), PATCHES)
def test_what_strikes_a_worker_takes_what_it_stands_in_for(kind: type, name: str, instead: Callable[..., Any]) -> None:
    def takes(function: Callable[..., Any]) -> list[tuple[str, object]]:
        return [(each.name, each.kind) for each in inspect.signature(function).parameters.values()]

    assert takes(instead) == takes(getattr(kind, name))
