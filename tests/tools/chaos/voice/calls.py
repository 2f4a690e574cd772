"""What the trunk had on the wire, and to which order each call belongs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

_SPLIT = re.compile(r"^-{20,} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)$", re.MULTILINE)
_INVITE = re.compile(r"^INVITE sip:\+?(\d+)@", re.MULTILINE)
_RINGS = re.compile(r"^SIP/2\.0 18\d ", re.MULTILINE)
_FINAL = re.compile(r"^SIP/2\.0 ([2-6]\d\d) ", re.MULTILINE)
_CALL_ID = re.compile(r"^Call-ID: *(\S+)", re.MULTILINE)
_OF_INVITE = re.compile(r"^CSeq: *\d+ INVITE", re.MULTILINE)

NO_CALL = "no dispatch"  # of a call on the wire that nobody ordered
FAILED = "failed"
FITTING = {200: {"answered", "voicemail"}, 486: {"busy"}, 480: {"no_answer"}, 603: {"refused"}}
"""By the status that the trunk sent: what the gateway may report of it."""
GIVEN_UP = (0, 487)  # the statuses of a call that rang until the gateway gave up: it cancels, and may not be answered


@dataclass(slots=True)
class Dialled:
    """A call that reached the trunk. `number`: without +; `at`: seconds since 1970; `status`: of the trunk's final
    answer, 0 if it gave none; `rang`: whether the trunk said that it rings.
    """

    number: str = field(repr=False)
    at: float
    status: int = 0
    rang: bool = False

    @property
    def given_up(self) -> bool:
        """Whether it may have rung until the gateway gave up."""
        return self.rang and self.status in GIVEN_UP


@dataclass(slots=True)
class Ordered:
    """An order of Quanzu's. `at`: when it first came by, seconds since 1970; `ended`: when the gateway first reported
    its end, infinity if never; `told`: all results that it reported.
    """

    phone: str = field(repr=False)
    script: str = field(repr=False)
    action: str
    at: float
    ended: float = float("inf")
    told: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class CallStory:
    """What came of an order. `statuses`: the trunk's final answer to each call for it; `told`: what the gateway
    reported; `taken`: whether the gateway has the order; `doubt`: whether it says that the order is in doubt;
    `given_up`: whether a call for it may have rung until the gateway gave up.
    """

    dispatch: str
    statuses: tuple[int, ...]
    told: frozenset[str]
    taken: bool
    doubt: bool
    given_up: bool = False

    @property
    def failed_unplaced(self) -> bool:
        """Whether the gateway told that it failed, and no call for it was on the wire."""
        return FAILED in self.told and not self.statuses


def dialled(log: str) -> list[Dialled]:
    """Read sipp's log of messages. Returns the calls in it, the earliest first. A repeated INVITE is the same call."""
    found: dict[str, Dialled] = {}
    parts = _SPLIT.split(log)
    for when, text in zip(parts[1::2], parts[2::2], strict=True):
        name = _CALL_ID.search(text)
        if name is None:
            continue
        if invite := _INVITE.search(text):
            found.setdefault(name[1], Dialled(invite[1], datetime.fromisoformat(when).astimezone().timestamp()))
        elif (final := _FINAL.search(text)) and _OF_INVITE.search(text) and name[1] in found:
            found[name[1]].status = int(final[1])
        elif _RINGS.search(text) and name[1] in found:
            found[name[1]].rang = True
    return sorted(found.values(), key=lambda call: call.at)


def matched(orders: Mapping[str, Ordered], calls: Sequence[Dialled]) -> Iterator[tuple[str, Dialled]]:
    """Yield each call with the dispatch that ordered it: one to its number that had come and had not ended, that no
    call has yet; of several, the one that ended first. If each has its call, the number was called once too often,
    which the last of its orders gets; NO_CALL if there is none.
    """
    without = dict(orders)
    for call in sorted(calls, key=lambda each: each.at):
        to_it = [name for name, order in orders.items() if order.phone.removeprefix("+") == call.number]
        fitting = [name for name in to_it if name in without and orders[name].at <= call.at <= orders[name].ended]
        name = min(fitting, key=lambda each: orders[each].ended, default=to_it[-1] if to_it else NO_CALL)
        without.pop(name, None)
        yield name, call


def untrue(story: CallStory) -> Iterator[str]:
    """Yield what is wrong with an order's story, in words."""
    name = story.dispatch
    if story.taken and not story.told and not story.doubt:
        yield f"{name}: taken by the voice gateway, and neither reported nor in doubt"
    if story.told and story.doubt:
        yield f"{name}: reported as {', '.join(sorted(story.told))}, and in doubt"
    if len(story.told) > 1:
        yield f"{name}: reported as {' and '.join(sorted(story.told))}"
    possible = {result for status in story.statuses for result in FITTING.get(status, ())}
    possible |= {"no_answer"} if story.given_up else set()
    for result in sorted(story.told - possible - {FAILED}):
        yield f"{name}: reported as {result}, and the trunk answered {list(story.statuses)}"
