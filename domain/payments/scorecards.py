"""Scorecards: how fast each bank or payment institution answers stop orders, and how often it refuses or is late."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.calendar import JILIN
from domain.payments.bank_book import BankBook, Sent
from schemas.casework.inputs import BankState
from schemas.levels import NEVER_SENT, Action

HOURS = 4
"""Length of a part of the day, in hours."""


class PartOfDay(NamedTuple):
    """The stop orders that reached an institution in one four-hour part of the day.

    `begins`: the part's first hour in Jilin (0, 4, … 20); `asked`: the number of orders; `median`: the median time from
    an order to the institution's first answer (a timedelta), or None if it answered none.
    """

    begins: int
    asked: int
    median: timedelta | None


class Scorecard(NamedTuple):
    """An institution's answers to the stop orders and extensions that may have reached it, as numbers of orders.
    `asked`: all of them. A message that an order is still pending is no answer.

    `waits`: not answered and not late yet; `late`: answered after the limit, or not answered and past it; `refused`:
    refused in the latest answer; `queried`: status requests about orders that were not answered in time.

    `p50`, `p95`: median and 95th percentile of the time to the first answer, None without answers. `day`: all parts of
    the day, in order.
    """

    institution: str
    asked: int
    answered: int
    waits: int
    late: int
    refused: int
    queried: int
    p50: timedelta | None
    p95: timedelta | None
    day: tuple[PartOfDay, ...]


class _Asked(NamedTuple):
    sent: Sent
    first: datetime | None
    refused: bool
    queried: int


def scorecards(book: BankBook, sees: Callable[[str], bool], now: datetime, limit: timedelta) -> list[Scorecard]:
    """Return the scorecard of each institution that got a stop order or extension, those with the most orders first.

    `sees`: returns True if the reader may see a division's residents; orders of other divisions do not count. `limit`:
    the time after sending within which an answer is not late.
    """
    found: defaultdict[str, list[_Asked]] = defaultdict(list)
    for asked in _reached(book):
        if sees(asked.sent.division):
            found[asked.sent.institution].append(asked)
    made = [_card(name, asked, now, limit) for name, asked in found.items()]
    return sorted(made, key=lambda card: (-card.asked, card.institution))


def _reached(book: BankBook) -> list[_Asked]:
    """Return the stop orders and extensions that may have reached a bank, each with its first answer."""
    about = {sent.dispatch: sent.about for sent in book.sent.values() if sent.action is Action.STOP_STATUS}
    queried = Counter(asked for dispatch, asked in about.items() if not _never_reached(book, dispatch))
    answers = defaultdict(list)
    for message in book.came.values():
        if message.state is not BankState.PENDING:
            answers[about.get(message.dispatch, message.dispatch)].append(message)
    found = []
    for sent in book.sent.values():
        if sent.action in (Action.STOP_RELEASE, Action.STOP_STATUS) or _never_reached(book, sent.dispatch):
            continue
        came = sorted(answers[sent.dispatch], key=lambda message: message.at)
        refused = bool(came) and came[-1].state is BankState.REFUSED
        found.append(_Asked(sent, came[0].at if came else None, refused, queried[sent.dispatch]))
    return found


def _never_reached(book: BankBook, dispatch: str) -> bool:
    told = book.told.get(dispatch, [])
    return bool(told) and all(reply.result in NEVER_SENT for reply in told)


def _card(name: str, asked: Sequence[_Asked], now: datetime, limit: timedelta) -> Scorecard:
    took = _took(asked)
    waits = [each for each in asked if each.first is None and now - each.sent.at <= limit]
    late = sum((each.first or now) - each.sent.at > limit for each in asked)
    refused, queried = sum(each.refused for each in asked), sum(each.queried for each in asked)
    p50, p95 = _quantile(took, 0.5), _quantile(took, 0.95)
    return Scorecard(name, len(asked), len(took), len(waits), late, refused, queried, p50, p95, _day(asked))


def _day(asked: Sequence[_Asked]) -> tuple[PartOfDay, ...]:
    parts: defaultdict[int, list[_Asked]] = defaultdict(list)
    for each in asked:
        parts[each.sent.at.astimezone(JILIN).hour // HOURS * HOURS].append(each)
    return tuple(
        PartOfDay(begins, len(parts[begins]), _quantile(_took(parts[begins]), 0.5)) for begins in range(0, 24, HOURS)
    )


def _took(asked: Sequence[_Asked]) -> list[timedelta]:
    return sorted(max(each.first - each.sent.at, timedelta(0)) for each in asked if each.first is not None)


def _quantile(ordered: Sequence[timedelta], share: float) -> timedelta | None:
    """Return the smallest value that is not exceeded by at least this share (0 to 1) of the values; None without
    values.
    """
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else None
