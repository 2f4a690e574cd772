"""The page: troubles in words, each with what to do."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any


class Weight(IntEnum):
    """How grave a trouble is."""

    MISSED = 0  # somebody is not being warned now, or nobody would be
    DANGER = 1  # everybody is; the next fault may change that


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: `what`, and what to `do`. `name` is for machines."""

    weight: Weight
    name: str
    what: str
    do: str


@dataclass(frozen=True, slots=True)
class Page:
    """All that was found, the worst first."""

    troubles: list[Trouble]

    @classmethod
    def of(cls, found: Iterable[Trouble]) -> "Page":
        """In the order in which it was looked for, within the same weight."""
        return cls(sorted(found, key=lambda trouble: trouble.weight))

    @property
    def missed(self) -> bool:
        return any(trouble.weight is Weight.MISSED for trouble in self.troubles)

    @property
    def answer(self) -> str:
        """The page in one line."""
        if self.missed:
            count = sum(trouble.weight is Weight.MISSED for trouble in self.troubles)
            return f"Somebody may not be warned now, for {count} reason{'s' if count > 1 else ''}:"
        return "Nobody is being missed." + (" But:" if self.troubles else "")

    def as_json(self) -> dict[str, Any]:
        """As machines read it."""
        troubles = [{**asdict(trouble), "weight": trouble.weight.name.lower()} for trouble in self.troubles]
        return {"missed": self.missed, "answer": self.answer, "troubles": troubles}


def missed(name: str, what: str, do: str) -> Trouble:
    return Trouble(Weight.MISSED, name, what, do)


def danger(name: str, what: str, do: str) -> Trouble:
    return Trouble(Weight.DANGER, name, what, do)


def listed(numbers: Iterable[object], most: int = 8) -> str:
    """A few of them, and how many more there are."""
    names = [str(number) for number in numbers]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
