"""The status page as data: troubles in words, each with its remedy."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any


class Weight(IntEnum):
    """How serious a trouble is.

    MISSED: somebody is not being warned now, or would not be; DANGER: everybody is being warned, but the next fault may
    change that.
    """

    MISSED = 0
    DANGER = 1


@dataclass(frozen=True, slots=True)
class Trouble:
    """A trouble.

    `what`: what is wrong; `do`: how to correct it, both in words; `name`: identifies its kind for programs.
    """

    weight: Weight
    name: str
    what: str
    do: str


@dataclass(frozen=True, slots=True)
class Page:
    """All troubles found, the worst first."""

    troubles: list[Trouble]

    @classmethod
    def of(cls, found: Iterable[Trouble]) -> "Page":
        """Return the page of these troubles, sorted by weight, MISSED first. Troubles of one weight keep the given
        order.
        """
        return cls(sorted(found, key=lambda trouble: trouble.weight))

    @property
    def missed(self) -> bool:
        """True if a trouble has the weight MISSED: somebody may not be warned now."""
        return any(trouble.weight is Weight.MISSED for trouble in self.troubles)

    @property
    def answer(self) -> str:
        """The page's conclusion as one line of English: whether somebody may not be warned now, and for how many
        reasons (the number of troubles of the weight MISSED).
        """
        if self.missed:
            count = sum(trouble.weight is Weight.MISSED for trouble in self.troubles)
            return f"Somebody may not be warned now, for {count} reason{'s' if count > 1 else ''}:"
        return "Nobody is being missed." + (" But:" if self.troubles else "")

    def as_json(self) -> dict[str, Any]:
        """Return the page as JSON values, for programs: `missed` (True if somebody may not be warned now), `answer`,
        and `troubles`, a list of dicts with `weight` ("missed" or "danger"), `name`, `what` and `do`.
        """
        troubles = [{**asdict(trouble), "weight": trouble.weight.name.lower()} for trouble in self.troubles]
        return {"missed": self.missed, "answer": self.answer, "troubles": troubles}


def missed(name: str, what: str, do: str) -> Trouble:
    """Return a trouble of the weight MISSED: because of it, somebody may not be warned now. `name`: its kind, for
    programs; `what`: what is wrong; `do`: how to correct it.
    """
    return Trouble(Weight.MISSED, name, what, do)


def danger(name: str, what: str, do: str) -> Trouble:
    """Return a trouble of the weight DANGER: everybody is warned now, but the next fault may change that. `name`: its
    kind, for programs; `what`: what is wrong; `do`: how to correct it.
    """
    return Trouble(Weight.DANGER, name, what, do)


def listed(numbers: Iterable[object], most: int = 8) -> str:
    """Return the first `most` items as text with commas; if there are others, followed by their number: "a, b and 3
    more" (with `most` 2). "" without items.
    """
    names = [str(number) for number in numbers]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
