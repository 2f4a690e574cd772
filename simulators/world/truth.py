"""What really happens: each scam as it goes on, who was persuaded, which payments were made. The system knows none.

Fates follow from times alone (when persuaded, when stopped, when settled), so it does not matter who asks first.
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
    """What became of a payment, as of a moment."""

    TO_COME = "to_come"
    IN_FLIGHT = "in_flight"
    SETTLED = "settled"
    NOT_MADE = "not_made"  # persuaded before
    WITHDRAWN = "withdrawn"  # persuaded while it was in flight
    CAUGHT = "caught"  # its bank cancelled it in flight
    BLOCKED = "blocked"  # the payee's account was stopped

    @property
    def kept(self) -> bool:
        """Whether the money stayed with the resident."""
        return self in (Fate.NOT_MADE, Fate.WITHDRAWN, Fate.CAUGHT, Fate.BLOCKED)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody was contacted, or it was tried. `result` is a word of Result, Outcome or VisitStage."""

    resident: str
    at: datetime
    action: Action
    result: str
    dispatch: str


@dataclass(frozen=True, slots=True)
class AccountStop:
    """An account on which no money comes in or goes out."""

    since: datetime
    until: datetime

    def covers(self, at: datetime) -> bool:
        return self.since <= at < self.until


@dataclass(slots=True)
class Life:
    """One story as it goes on."""

    story: Story
    persuaded_at: datetime | None = None
    persuaded_by: Action | None = None
    persuaded_again_at: datetime | None = None  # after a relapse
    caught: dict[str, datetime] = field(default_factory=dict)  # by the payment's uid
    frozen: dict[str, int] = field(default_factory=dict)  # fen, by the payment's uid
    talks: int = 0
    loss_known: bool = False  # an operator or officer has put it down already

    def persuade(self, at: datetime, by: Action) -> None:
        """From `at` on the victim pays no more, or until the relapse that the story knows of. One relapses once."""
        if self.persuaded_at is None or at < self.persuaded_at:
            self.persuaded_at, self.persuaded_by = at, by
        elif self._relapses_at <= at and (self.persuaded_again_at is None or at < self.persuaded_again_at):
            self.persuaded_again_at = at

    def persuaded(self, at: datetime) -> bool:
        return self._persuaded_since(at, at) is not None

    def _persuaded_since(self, at: datetime, now: datetime) -> datetime | None:
        """Since when the victim is persuaded at the moment `at`, as far as it has happened by `now`."""
        known = (since for since, until in self._persuasions() if since <= min(at, now) and at < until)
        return next(known, None)

    def _persuasions(self) -> Iterator[tuple[datetime, datetime]]:
        """From when until when."""
        if self.persuaded_at is not None:
            yield self.persuaded_at, self._relapses_at
        if self.persuaded_again_at is not None:
            yield self.persuaded_again_at, _NEVER

    @property
    def _relapses_at(self) -> datetime:
        after = self.story.relapses_after
        return _NEVER if self.persuaded_at is None or after is None else self.persuaded_at + after

    def fate(self, payment: Pay, now: datetime, stops: Mapping[str, list[AccountStop]]) -> Fate:
        """What has become of a payment by `now`. Of two things at one instant the payment came first."""
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
        """The end of a call: whoever is persuaded puts the receiver down. Not after its start: it was never taken."""
        cut = (since for since, until in self._persuasions() if since < ring.ends and ring.at < until)
        return min(cut, default=ring.ends)

    def on_the_line(self, now: datetime) -> Ring | None:
        """The scammer's call that goes on; whoever is persuaded puts the receiver down."""
        if self.persuaded(now):
            return None
        rings = (beat for beat in self.story.beats if isinstance(beat, Ring))
        return next((ring for ring in rings if ring.at <= now < ring.ends), None)


def still_there(payment: Pay, at: datetime) -> int:
    """How much of a settled payment, in fen, has not been passed on from the mule's account."""
    left = math.pow(0.5, (at - payment.settles) / MULE_HALF_LIFE)
    return math.floor(payment.amount_fen * left)


@dataclass(slots=True)
class Truth:
    """The books of what really happened."""

    lives: dict[str, Life] = field(default_factory=dict)  # by resident: one story each
    stops: dict[str, list[AccountStop]] = field(default_factory=dict)  # by account
    contacts: list[Contact] = field(default_factory=list)

    def fates(self, life: Life, now: datetime) -> Iterator[tuple[Pay, Fate]]:
        """Every payment of a story with its fate by `now`."""
        for payment in life.story.payments:
            yield payment, life.fate(payment, now, self.stops)

    def sum_of(self, life: Life, now: datetime, *fates: Fate) -> int:
        """In fen."""
        return sum(payment.amount_fen for payment, fate in self.fates(life, now) if fate in fates)

    def summary(self, now: datetime) -> dict[str, object]:
        """All stories that had begun by `now`, with their sums in fen, for a report."""
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
        """What would have been paid and was not, by `now` for certain; without what was frozen later."""
        return self.sum_of(life, now, *(fate for fate in Fate if fate.kept))

    def frozen_fen(self, life: Life, now: datetime) -> int:
        """What banks hold of payments that settled; of one that came to a stopped account all is kept anyhow."""
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
