"""The truth, which the system does not know: the course of each scam, who was dissuaded, which payments were made.

Fates depend only on times (of dissuasion, stop, settlement), so the order of calls does not matter.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from schemas.levels import Action
from simulators.assumptions.figures import MULE_HALF_LIFE
from simulators.scams.story import Pay, Ring, Story

_NEVER = datetime.max.replace(tzinfo=UTC)


class Fate(StrEnum):
    """The fate of a payment at a moment.

    TO_COME: not made yet; IN_FLIGHT: made, not settled; SETTLED: the payee has the money; NOT_MADE: the resident was
    dissuaded before; WITHDRAWN: the resident was dissuaded while it was in flight; CAUGHT: the payer's bank cancelled
    it in flight; BLOCKED: the payee's account was stopped.
    """

    TO_COME = "to_come"
    IN_FLIGHT = "in_flight"
    SETTLED = "settled"
    NOT_MADE = "not_made"
    WITHDRAWN = "withdrawn"
    CAUGHT = "caught"
    BLOCKED = "blocked"

    @property
    def kept(self) -> bool:
        """True if the money stayed with the resident: NOT_MADE, WITHDRAWN, CAUGHT or BLOCKED."""
        return self in (Fate.NOT_MADE, Fate.WITHDRAWN, Fate.CAUGHT, Fate.BLOCKED)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact or an attempt. `resident`: their id; `result`: a value of Result, Outcome or VisitStage, or
    "no_receipt" or "late"; `dispatch`: the id of the dispatch, or of the case for an operator's call.
    """

    resident: str
    at: datetime
    action: Action
    result: str
    dispatch: str


@dataclass(frozen=True, slots=True)
class AccountStop:
    """A period in which no money enters or leaves an account: from `since` (inclusive) to `until` (exclusive)."""

    since: datetime
    until: datetime

    def covers(self, at: datetime) -> bool:
        """Return True if the stop is in force at the time `at`: `since` is inclusive, `until` exclusive."""
        return self.since <= at < self.until


@dataclass(slots=True)
class Life:
    """The course of one scam so far. `story`: its victim, and the events that the scammer plans.

    `persuaded_at`, `persuaded_by`: when the victim was first dissuaded, and the action that achieved it;
    `persuaded_again_at`: when they were dissuaded again after a relapse; each None if it did not happen. `caught`: by
    payment uid, when a bank cancelled it. `frozen`: by payment uid, the fen that banks have frozen. `talks`: number of
    conversations with the victim. `loss_known`: True if an operator, an officer or the victim has reported the loss.
    """

    story: Story
    persuaded_at: datetime | None = None
    persuaded_by: Action | None = None
    persuaded_again_at: datetime | None = None
    caught: dict[str, datetime] = field(default_factory=dict)
    frozen: dict[str, int] = field(default_factory=dict)
    talks: int = 0
    loss_known: bool = False

    def persuade(self, at: datetime, by: Action) -> None:
        """Record that the action `by` dissuades the victim at `at`: they pay nothing from then on, or until they
        relapse if the story has a relapse.

        If the victim is dissuaded already, only an earlier time replaces the recorded one; a time after the relapse is
        recorded as the second. A victim relapses at most once.
        """
        if self.persuaded_at is None or at < self.persuaded_at:
            self.persuaded_at, self.persuaded_by = at, by
        elif self._relapses_at <= at and (self.persuaded_again_at is None or at < self.persuaded_again_at):
            self.persuaded_again_at = at

    def persuaded(self, at: datetime) -> bool:
        """Return True if the victim is dissuaded at the time `at`. False before that, and after a relapse."""
        return self._persuaded_since(at, at) is not None

    def paid_since_persuaded(self, now: datetime, stops: Mapping[str, list[AccountStop]]) -> bool:
        """Return True if the victim made a payment after they were first dissuaded that has reached the payee by `now`.
        `stops`: the stops of each account number.
        """
        since = self.persuaded_at
        later = [each for each in self.story.payments if since is not None and since < each.at <= now]
        return any(self.fate(each, now, stops) is Fate.SETTLED for each in later)

    def _persuaded_since(self, at: datetime, now: datetime) -> datetime | None:
        """Return since when the victim is dissuaded at the moment `at`, as known by `now`; None if they are not
        dissuaded then.
        """
        known = (since for since, until in self._persuasions() if since <= min(at, now) and at < until)
        return next(known, None)

    def _persuasions(self) -> Iterator[tuple[datetime, datetime]]:
        """Yield (since, until) of the periods in which the victim is dissuaded."""
        if self.persuaded_at is not None:
            yield self.persuaded_at, self._relapses_at
        if self.persuaded_again_at is not None:
            yield self.persuaded_again_at, _NEVER

    @property
    def _relapses_at(self) -> datetime:
        after = self.story.relapses_after
        return _NEVER if self.persuaded_at is None or after is None else self.persuaded_at + after

    def fate(self, payment: Pay, now: datetime, stops: Mapping[str, list[AccountStop]]) -> Fate:
        """Return the fate of a payment as known at `now`. `stops`: the stops of each account number. If a payment and
        an intervention happen at the same moment, the payment counts as the earlier one.
        """
        before = self._persuaded_since(payment.at, now)
        if before and before < payment.at:
            return Fate.NOT_MADE
        if now < payment.at:
            return Fate.TO_COME
        caught = self.caught.get(payment.uid, payment.settles)
        if caught < payment.settles and caught <= now:
            return Fate.CAUGHT
        persuaded = self._persuaded_since(payment.settles, now)
        if persuaded and persuaded < payment.settles:
            return Fate.WITHDRAWN
        if now < payment.settles:
            return Fate.IN_FLIGHT
        blocked = any(stop.covers(payment.settles) for stop in stops.get(payment.payee, ()))
        return Fate.BLOCKED if blocked else Fate.SETTLED

    def ends(self, ring: Ring) -> datetime:
        """Return the time at which a call ends: when a dissuaded victim hangs up, else its planned end. If it is not
        after the call's start, the victim did not answer.
        """
        cut = (since for since, until in self._persuasions() if since < ring.ends and ring.at < until)
        return min(cut, default=ring.ends)

    def on_the_line(self, now: datetime) -> Ring | None:
        """Return the scammer's call that is in progress at `now`, or None. A dissuaded victim has hung up."""
        if self.persuaded(now):
            return None
        rings = (beat for beat in self.story.events if isinstance(beat, Ring))
        return next((ring for ring in rings if ring.at <= now < ring.ends), None)


def still_there(payment: Pay, at: datetime) -> int:
    """Return how many fen of a settled payment (rounded down) are still in the mule's account at the time `at`, which
    must not be before the payment settles. The amount halves every 25 minutes.
    """
    left = math.pow(0.5, (at - payment.settles) / MULE_HALF_LIFE)
    return math.floor(payment.amount_fen * left)


@dataclass(slots=True)
class Truth:
    """The record of what really happened. `lives`: the scam of each victim, by resident id; `stops`: by account number;
    `contacts`: all contacts and attempts, in the order in which they were made.
    """

    lives: dict[str, Life] = field(default_factory=dict)
    stops: dict[str, list[AccountStop]] = field(default_factory=dict)
    contacts: list[Contact] = field(default_factory=list)

    def fates(self, life: Life, now: datetime) -> Iterator[tuple[Pay, Fate]]:
        """Yield (payment, its fate at `now`) for every payment of a scam, in order of time."""
        for payment in life.story.payments:
            yield payment, life.fate(payment, now, self.stops)

    def sum_of(self, life: Life, now: datetime, *fates: Fate) -> int:
        """Return the sum in fen of a scam's payments that have one of these fates at `now`; 0 without any."""
        return sum(payment.amount_fen for payment, fate in self.fates(life, now) if fate in fates)

    def summary(self, now: datetime) -> dict[str, object]:
        """Return the figures of a report, keyed by name. `stories`: a dict for each scam that began by `now`. Sums in
        fen over these scams: `asked_fen`, `paid_fen` (settled), `frozen_fen`, `kept_fen`. Numbers: `persuaded` (victims
        dissuaded at `now`), and, of all contacts so far, `contacts`, `contacted` (residents) and `contacted_needlessly`
        (contacted residents who are no victims).
        """
        begun = [life for life in self.lives.values() if life.story.begins <= now]
        contacted = {contact.resident for contact in self.contacts}
        stories = [self._story(life, now) for life in sorted(begun, key=lambda life: life.story.id)]
        return {
            "stories": stories,
            "asked_fen": sum(life.story.asked_fen for life in begun),
            "paid_fen": sum(self.sum_of(life, now, Fate.SETTLED) for life in begun),
            "frozen_fen": sum(self.frozen_fen(life, now) for life in begun),
            "kept_fen": sum(self.kept_fen(life, now) for life in begun),
            "persuaded": sum(life.persuaded(now) for life in begun),
            "contacts": len(self.contacts),
            "contacted": len(contacted),
            "contacted_needlessly": len(contacted - {life.story.victim.id for life in begun}),
        }

    def kept_fen(self, life: Life, now: datetime) -> int:
        """Return the sum in fen of a scam's payments that certainly stay with the resident, as known at `now`: not
        made, withdrawn, caught or blocked. Payments of a dissuaded resident that were due after `now` count too; money
        that a bank froze does not.
        """
        return self.sum_of(life, now, *(fate for fate in Fate if fate.kept))

    def frozen_fen(self, life: Life, now: datetime) -> int:
        """Return how many fen banks have frozen in the payees' accounts, of a scam's payments that settled by `now`.
        All that is recorded counts, also if the stop has ended since or was made after `now`. Money that was frozen in
        accounts further on is not included.
        """
        settled = [payment for payment, fate in self.fates(life, now) if fate is Fate.SETTLED]
        return sum(life.frozen.get(payment.uid, 0) for payment in settled)

    def _story(self, life: Life, now: datetime) -> dict[str, object]:
        story = life.story
        return {
            "story": story.id,
            "scam_type": story.scam_type,
            "resident": story.victim.id,
            "begins": story.begins.isoformat(),
            "asked_fen": story.asked_fen,
            "paid_fen": self.sum_of(life, now, Fate.SETTLED),
            "kept_fen": self.kept_fen(life, now),
            "frozen_fen": self.frozen_fen(life, now),
            "persuaded_at": life.persuaded_at.isoformat() if life.persuaded_at else None,
            "persuaded_by": life.persuaded_by,
            "payments": {payment.uid: fate for payment, fate in self.fates(life, now)},
        }
