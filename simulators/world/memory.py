"""In-memory replacements for screening's Redis data: owners of numbers, the watchlist, and payers.

Each implements only the methods that the matcher calls. `finished` runs the matcher without an event loop, because
nothing here waits.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from redis.asyncio import Redis

from domain.identity.identifiers import Owner, holders, owned, owner, resolve
from domain.policy.risk import MOST_WITHOUT_ASKING, RiskRules
from domain.risk.fan_out import LATE, EarlierPayments, entered, has_earlier, since
from domain.risk.sets import precedence
from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import EarlierContact, WatchEntry
from streams.repositories.residents.register import Asked, Residents
from streams.screening.payers import Fanned, Payers, packed
from streams.screening.store import EvidenceStore, Paid
from streams.state.keys import milliseconds, moment

T = TypeVar("T")

_MILLISECOND = timedelta(milliseconds=1)
_A_DAY = timedelta(days=1) // _MILLISECOND


def finished(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits, and return its result. Raises RuntimeError if it waits; its own exceptions pass
    through.
    """
    try:
        work.send(None)
    except StopIteration as end:
        returned: T = end.value
        return returned
    work.close()
    raise RuntimeError("without a server nothing is waited for")


class Register(Residents):
    """Residents in memory, looked up as in the live register. Only the lookups `find` and `standing` are
    implemented.
    """

    def __init__(self, people: Iterable[Resident]) -> None:
        self._entries = {resident.id: resident for resident in people}
        self._merged = {entry.id: entry.merged_into for entry in self._entries.values()}
        self._held: defaultdict[tuple[str, str], list[Owner]] = defaultdict(list)
        for entry in self._entries.values():
            for by, holdings in zip(("phones", "accounts"), owned(entry), strict=True):
                for holding in holdings:
                    self._held[by, holding.value].append(owner(entry, holding))

    async def find(self, asked: Sequence[Asked]) -> list[ResidentId | None]:
        """Return, in the order of `asked`, the id of the resident who held each number at the time asked about; None
        for a number that nobody held.
        """
        return [self._meant(each) for each in asked]

    async def standing(self, ids: Iterable[ResidentId]) -> dict[ResidentId, Resident]:
        """Return the entry into which each of the given entries was merged (itself if it was not merged), keyed by the
        given id. Unknown ids, and those whose merges form a cycle, are left out.
        """
        ends = {entry: self._end(entry) for entry in ids}
        return {entry: self._entries[end] for entry, end in ends.items() if end in self._entries}

    def _meant(self, asked: Asked) -> ResidentId | None:
        owners = self._held.get((asked.by, asked.value))
        return next(iter(holders(owners, asked.at)), None) if owners else None

    def _end(self, entry: ResidentId) -> ResidentId | None:
        try:
            return resolve(entry, self._merged)
        except ValueError:
            return None


@dataclass(slots=True)
class _Payers:
    """The payers of a suspect, sorted: time (ms), text form, payment.

    `until`: when all are forgotten if nobody pays any more (ms since 1970).
    """

    paid: list[tuple[int, str, EarlierContact]] = field(default_factory=list)
    until: int = 0

    def add(self, payer: EarlierContact, kept: int, now: int) -> None:
        """Add a payment, and drop those more than `kept` ms before the earlier of its time and `now` (ms since 1970).

        So a payment with a future date does not make today's payments old.
        """
        at = milliseconds(payer.at)
        entry = (at, packed(payer), payer)
        if self.until <= now:
            self.paid.clear()
        place = bisect_left(self.paid, entry[:2], key=_place)
        if self.paid[place : place + 1] != [entry]:
            self.paid.insert(place, entry)
        del self.paid[: bisect_left(self.paid, min(at, now) - kept, key=_time)]
        self.until = now + kept

    def since(self, at: int, now: int) -> list[EarlierContact]:
        """Return the payments from `at` on, the oldest first; empty if all are forgotten at `now`.

        `at`, `now`: ms since 1970.
        """
        if self.until <= now:
            return []
        return [payer for _, _, payer in self.paid[bisect_left(self.paid, at, key=_time) :]]


def _time(entry: tuple[int, str, EarlierContact]) -> int:
    return entry[0]


def _place(entry: tuple[int, str, EarlierContact]) -> tuple[int, str]:
    return entry[:2]


class Suspects(EvidenceStore):
    """The watchlist, and payments stored in case their payee is confirmed later.

    It does the same as streams/state/lua/payments.lua, watched.lua and watch.lua: the payers of an account are
    forgotten when nobody has paid for as long as a payment is stored. In contrast to them, it returns all payers of an
    account at once, and nobody answers requests for decisions.
    """

    def __init__(self) -> None:
        self.payers_of = Payers(cast("Redis", None), 1)  # only asked for slices, of which there are none
        self._entries: dict[str, WatchEntry] = {}
        self._paid: defaultdict[str, _Payers] = defaultdict(_Payers)
        self._swept = 0

    async def watch(
        self,
        payments: Sequence[Paid],
        subjects: Iterable[str],
        entries: Sequence[WatchEntry],
        rules: RiskRules,
        now: datetime,
    ) -> tuple[dict[str, WatchEntry], list[Fanned]]:
        """Store `payments`, then read the watchlist entries of `subjects`, then write `entries` to the watchlist.

        Returns (the entries that were read, by subject; for each element of `entries` a Fanned). A Fanned has the entry
        before, the entry now in force, and the earlier payments whose payers it concerns.
        """
        kept, at = (rules.money.window + LATE) // _MILLISECOND, milliseconds(now)
        for token, payer in payments:
            self._paid[token].add(payer, kept, at)
        self._sweep(at)
        read = {subject: self._entries[subject] for subject in subjects if subject in self._entries}
        return read, [self._written(entry, rules, at) for entry in entries]

    async def enter(self, entries: Iterable[WatchEntry], rules: RiskRules) -> None:
        """Add entries to the watchlist in memory. If a subject has several, only the one that takes precedence is
        stored. `rules` are not used.
        """
        for entry in entries:
            self._put(entry)

    def _written(self, entry: WatchEntry, rules: RiskRules, now: int) -> Fanned:
        before = self._entries.get(entry.subject)
        paid = _counted(self._since(entry, rules, now), rules)
        stands = entered(entry, before, paid, rules, moment(now))
        self._entries[entry.subject] = stands
        return Fanned(before, stands, self._since(stands, rules, now), None, paid)

    def _since(self, entry: WatchEntry, rules: RiskRules, now: int) -> list[EarlierContact]:
        """Return the recent payers of an account, or callees of a number, as far back as its entry requires; empty for
        a link.
        """
        _, _, token = entry.subject.partition(":")
        if not has_earlier(entry, rules) or token not in self._paid:
            return []
        return self._paid[token].since(milliseconds(since(entry, rules)), now)

    def _put(self, entry: WatchEntry) -> None:
        before = self._entries.get(entry.subject)
        if before is None or precedence(entry) > precedence(before):
            self._entries[entry.subject] = entry

    def _sweep(self, now: int) -> None:
        """Free the memory of expired payers, once per day of signal time."""
        if now - self._swept < _A_DAY:
            return
        self._swept = now
        for token in [token for token, payers in self._paid.items() if payers.until <= now]:
            del self._paid[token]


def _counted(payers: Sequence[EarlierContact], rules: RiskRules) -> EarlierPayments:
    apart = rules.payers_without_asking < len(payers) <= MOST_WITHOUT_ASKING
    return EarlierPayments(len(payers), len({payer.resident for payer in payers}) if apart else 0)
