"""What persons, banks, the police and another province report in a schedule: drawn from chance of their own.

So the steps that a seed drew before there were reports stay as they are, and a schedule without reports runs as before.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from tests.simulation.reports.desk import ACTS
from tests.simulation.reports.kinds import BANK_ANSWERS, REPORTS
from tests.simulation.simulated.prepare import RESIDENTS
from tests.simulation.simulated.providers import PROVINCE_FAULTS
from tests.simulation.simulated.province import PROVINCE

REPORTED = 0.5  # of the schedules have reports
UNASKED = 0.125  # of these have banks and carriers that answer what was never sent, too
FIRST_SIGNAL = 2000  # the signals of these are numbered from here on
LAST = 12.0  # seconds: by then all reports are there, but for those after an offer's deadline
AFTER_OFFER = (11.0, 15.0)  # seconds after an offer: its deadline is over
TWICE = 0.15  # of the reports come again, as they were
Drawn = tuple[float, str, dict[str, Any]]  # when, what is done, its details


def themes(seed: int) -> list[Drawn]:
    """The reports of a seed's schedule, with the signals that make the case; none in half of the schedules."""
    random = Random(f"reports of {seed}")
    if random.random() >= REPORTED:
        return []
    drawing = _Themes(random)
    kinds = (
        *(drawing.loss, drawing.dissuaded, drawing.search, drawing.hand_over, drawing.taken_over),
        *(drawing.reopened, drawing.banks),
    )
    found: list[Drawn] = []
    for _ in range(random.choice((1, 1, 2))):
        found += random.choice((*kinds, drawing.anything))()
    if random.random() < UNASKED:  # drawn last: the other reports of a seed stay as they are
        found += drawing.unasked()
    return found


def unasked_story(random: Random) -> list[Drawn]:
    """A story in which banks and carriers answer what was never sent (`_Themes.unasked`)."""
    return _Themes(random).unasked()


class _Themes:
    """Draws stories of one resident each."""

    def __init__(self, random: Random) -> None:
        self._random, self._signals = random, FIRST_SIGNAL

    def loss(self) -> list[Drawn]:
        """The resident was defrauded, as they or the police report; perhaps they are called, and in danger again."""
        who, at = self._begins()
        told = self._random.choice((("victim_report",), ("fraud_report",), ("outcome", "victim_report")))
        more = ("payment_report", "support", "fraud_report", "release_stop", "ask_stop", "victim_report", "close")
        found = [*self._red(at, who), *self._reports(who, at + 0.5, 3.0, told)]
        found += self._reports(who, at + 2.0, LAST, self._some(more, 3))
        return found + (self._red(self._between(at + 3.0, 9.0), who) if self._random.random() < 0.4 else [])

    def dissuaded(self) -> list[Drawn]:
        """The resident is dissuaded, asked a little later whether they have paid since, and answers; perhaps they lose
        money or are in danger again.
        """
        who, at = self._begins()
        told = self._random.choice((("outcome",), ("outcome", "outcome"), ("note", "outcome")))
        more = ("resident_reply", "week_answer", "resident_reply", "victim_report", "outcome", "close")
        found = [*self._red(at, who), *self._reports(who, at + 0.5, 2.5, told)]
        found += self._reports(who, at + 3.0, LAST, self._some(more, 4))
        return found + (self._red(self._between(at + 3.0, 9.0), who) if self._random.random() < 0.3 else [])

    def search(self) -> list[Drawn]:
        """A supervisor has officers look for the resident; one may find them, before or after the end."""
        who, at = self._begins()
        found = [*self._red(at, who), *self._reports(who, at + 0.5, 2.0, ("start_search",))]
        found += self._reports(who, at + 1.5, LAST, self._some(("place_report",), 4))
        return found + self._reports(who, at + 3.0, LAST, self._some(("stop_search", "start_search", "outcome"), 2))

    def hand_over(self) -> list[Drawn]:
        """The case is offered to another province, which answers as it likes; perhaps the danger rises meanwhile, and
        a supervisor ends this province's part, or offers again.
        """
        who, at = self._begins()
        faults = [self._random.choice(PROVINCE_FAULTS) for _ in range(self._random.choice((0, 0, 1, 2, 3)))]
        offered = self._between(at + 0.5, at + 2.5)
        later = self._between(offered + AFTER_OFFER[0], offered + AFTER_OFFER[1])
        found: list[Drawn] = [
            *(self._red(at, who) if self._random.random() < 0.6 else self._yellow(at, who)),
            (at, "provider", {"channel": PROVINCE, "faults": faults}),
            *self._reports(who, offered, offered, ("offer_case",)),
            *self._reports(who, offered + 1.0, LAST, self._some(("outcome", "victim_report", "note", "take_over"), 1)),
            *self._reports(who, later, later + 2.0, self._some(("end_here", "offer_case"), 2)),
        ]
        return found + (self._red(self._between(offered, offered + 3.0), who) if self._random.random() < 0.4 else [])

    def taken_over(self) -> list[Drawn]:
        """Another province hands a case over, more than once; this one may have a case, and may hand it back."""
        who, at = self._begins()
        before = self._red(at, who) if self._random.random() < 0.5 else []
        found = before + self._reports(who, at, 4.0, ("take_over", *self._some(("take_over",), 3)))
        return found + self._reports(who, at + 2.0, LAST, self._some(("offer_case", "outcome", "close"), 2))

    def reopened(self) -> list[Drawn]:
        """The case ends, and there is new danger."""
        who, at = self._begins()
        again = self._between(at + 3.0, 9.0)
        found = self._red(at, who) + self._reports(who, at + 1.0, at + 2.5, ("outcome", "close"))
        return found + self._red(again, who) + self._reports(who, again, LAST, self._some(("support", "confirm"), 2))

    def banks(self) -> list[Drawn]:
        """Stops are asked for, and the bank answers: any answer, in any order, and more than once."""
        who, at = self._begins()
        found = self._red(at, who) + self._reports(who, at + 0.5, 3.0, ("ask_stop", *["approve_stop"] * 3))
        found += self._reports(who, at + 1.5, LAST, self._some(tuple(BANK_ANSWERS), 5))
        others = (
            "object_stop",
            "decide_objection",
            "release_stop",
            "hand_over_stop",
            "end_freeze",
            "approve_stop",
            "decline_stop",
        )
        return found + self._reports(who, at + 2.0, LAST, self._some(others, 2))

    def unasked(self) -> list[Drawn]:
        """Banks and carriers answer what was never sent to them, while orders wait for approval and calls for their
        time; some of it is sent later.
        """
        who, at = self._begins()
        found = self._red(at, who) + self._reports(who, at + 0.5, 3.0, ("ask_stop",))
        told = [self._random.choice(("unasked_answer", "unasked_answer", "unsent_receipt")) for _ in range(4)]
        found += self._reports(who, at + 0.6, LAST, told)
        return found + self._reports(who, at + 3.0, LAST, self._some(("approve_stop", "ask_stop", "outcome"), 4))

    def anything(self) -> list[Drawn]:
        """Reports of all kinds."""
        who, at = self._begins()
        return self._red(at, who) + self._reports(who, at + 0.3, LAST, self._some((*REPORTS, *ACTS), 8))

    def _begins(self) -> tuple[int, float]:
        return self._random.randrange(RESIDENTS), self._between(0.3, 3.0)

    def _some(self, kinds: Sequence[str], most: int) -> list[str]:
        return [self._random.choice(kinds) for _ in range(self._random.randint(0, most))]

    def _reports(self, who: int, first: float, last: float, kinds: Sequence[str]) -> list[Drawn]:
        """Reports at random times; the first of them first."""
        times = sorted(self._between(first, max(first, last)) for _ in kinds)
        found: list[Drawn] = []
        for at, kind in zip(times, kinds, strict=True):
            what = {"kind": kind, "who": who, "n": self._random.randrange(1, 1 << 16)}
            found.append((at, "report", what))
            if self._random.random() < TWICE:
                found.append((self._between(at, at + 2.0), "report", what))
        return found

    def _red(self, at: float, who: int) -> list[Drawn]:
        number, self._signals = self._signals, self._signals + 2
        call = {"kind": "ongoing", "who": who, "n": number}
        pays = {"kind": "transfer", "who": who, "payee": 200 + self._random.randrange(3), "n": number + 1}
        return [(at, "signals", {"signals": [call, pays]})]

    def _yellow(self, at: float, who: int) -> list[Drawn]:
        number, self._signals = self._signals, self._signals + 1
        return [(at, "signals", {"signals": [{"kind": "app", "who": who, "n": number}]})]

    def _between(self, first: float, last: float) -> float:
        return round(self._random.uniform(first, max(first, last)), 3)
