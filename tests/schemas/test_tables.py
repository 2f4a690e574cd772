"""A table by an enum's members names all of them: a member that is added is not met by a KeyError at night.

A `Partial` leaves some out, and a Literal names the ones that a table is about; mypy sees to who reads
them. A `match` over an enum is seen to by mypy's exhaustive-match.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from enum import Enum
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

import pytest

from schemas.base import Partial
from schemas.risk.signals import TransferState

PACKAGES = ("schemas", "domain", "streams", "agents", "simulators", "console")


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        found = importlib.import_module(package)
        yield from (importlib.import_module(each.name) for each in pkgutil.walk_packages(found.__path__, f"{package}."))


def tables(module: ModuleType) -> Iterator[tuple[str, Mapping[Any, Any], set[Any]]]:
    """Yield each table of a module by its name, with the keys that it must have."""
    marked = getattr(module, "__annotations__", {})
    for name, value in vars(module).items():
        kind = common(value)
        if kind and not shares(module, value):
            yield f"{module.__name__}.{name}", value, wanted(kind, marked.get(name))


def common(value: object) -> type[Enum] | None:
    """Return the enum whose members all keys are, or None."""
    kinds = {type(key) for key in value} if isinstance(value, Mapping) else set()
    kind = kinds.pop() if len(kinds) == 1 else None
    return kind if kind and issubclass(kind, Enum) else None


def wanted(kind: type[Enum], marked: object) -> set[Any]:
    """Return the keys that a table needs: its Literal's, or all members."""
    keys = get_args(marked)[0] if get_args(marked) else None
    return set(get_args(keys)) if get_origin(keys) is Literal else set(kind)


def shares(module: ModuleType, table: Mapping[Any, Any]) -> bool:
    """Return whether it is a simulator's distribution: what it leaves out has no share."""
    return module.__name__.startswith("simulators.") and all(isinstance(each, int | float) for each in table.values())


def test_every_table_by_an_enum_names_all_its_members() -> None:
    found = {name: (table.keys(), keys) for module in modules() for name, table, keys in tables(module)}
    assert len(found) > 50, "the tables are found"
    assert {name: keys - table for name, (table, keys) in found.items() if keys - table} == {}


def test_a_table_that_lacks_a_member_is_found() -> None:
    module = ModuleType("some.module")
    vars(module)["WORDS"] = {TransferState.ATTEMPTED: "1", TransferState.PENDING: "2"}
    ((_, table, keys),) = tables(module)
    assert keys - table.keys() == {TransferState.SETTLED}
    vars(module)["WORDS"] = Partial({TransferState.ATTEMPTED: "1"})
    assert list(tables(module)) == []


@pytest.mark.parametrize("state", TransferState)
def test_a_payment_goes_from_stage_to_stage(state: TransferState) -> None:
    assert [each for each in TransferState if each.stage == state.stage] == [state]
