"""What became of a dead letter, told by what was done with it: the order of the log decides, whoever was quicker.

In the books of signals (accepted = raised + below + unmatched + duplicate + dead-lettered, by source) a letter stays
dead-lettered while it is open, and for good once it is dropped. Sent again it moves: what screening had counted as
dead-lettered is taken back in the very step that counts what came of it; `accepted` does not change, for it was
accepted when it came. A row of a file never was: it is accepted when it is sent again. So the books balance before,
after, and however often it is sent.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.administration.audit import AuditEntry
from schemas.administration.dead_letters import LinePlace, Place

LEASE = timedelta(minutes=1)  # so long nobody else sends or drops what somebody is sending
FILE = "file"  # in place of a topic


class Act(StrEnum):
    """What somebody does with a letter, as the audit topic calls it. `sending` comes before it is written again."""

    SENDING = "letter-sending"
    SENT = "letter-sent"
    DROPPED = "letter-dropped"


class State(StrEnum):
    """How a letter stands. `sending`: begun and not ended; sending it again completes it."""

    OPEN = "open"
    SENDING = "sending"
    SENT = "sent"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class LetterStatus:
    """How a letter stands, and by which act."""

    state: State = State.OPEN
    act: AuditEntry | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A letter as a list shows it: without its bytes."""

    id: str
    source: str
    topic: str
    at: datetime
    why: str
    size: int
    offset: int  # where it lies on the topic of dead letters


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant; what is not named fits all. `since` is included, `until` is not."""

    source: str | None = None
    topic: str | None = None
    reason: str | None = None  # a part of it, in any case of letters
    since: datetime | None = None
    until: datetime | None = None
    state: State | None = State.OPEN

    def fits(self, letter: Listed, state: State) -> bool:
        """Whether this letter is meant. One that is being sent is open still."""
        right = self.state in (None, state) or (self.state is State.OPEN and state is State.SENDING)
        return right and self.means(letter)

    def means(self, letter: Listed) -> bool:
        """Whether this letter is meant, however it stands."""
        return (
            self.source in (None, letter.source)
            and self.topic in (None, letter.topic)
            and (self.reason is None or self.reason.casefold() in letter.why.casefold())
            and (self.since is None or self.since <= letter.at)
            and (self.until is None or letter.at < self.until)
        )


def follow(before: LetterStatus, act: AuditEntry) -> LetterStatus:
    """How the letter stands after `act`; an act that came too late changes nothing."""
    if before.state is State.OPEN and act.act == Act.DROPPED:
        return LetterStatus(State.DROPPED, act)
    if act.act == Act.SENDING and may_send(before, act.detail, act.at):
        return LetterStatus(State.SENDING, act)
    if before.state is State.SENDING and act.act == Act.SENT:
        return LetterStatus(State.SENT, act)
    return before


def standing(acts: Iterable[AuditEntry]) -> LetterStatus:
    """How a letter stands after all `acts`, in the order of the log."""
    found = LetterStatus()
    for act in acts:
        found = follow(found, act)
    return found


def may_send(found: LetterStatus, what: str, now: datetime) -> bool:
    """Whether it may be sent: it is open, or a sending was broken off, or the very same (`what`) is being sent."""
    if found.state is State.SENDING and found.act is not None:
        return found.act.detail == what or found.act.at + LEASE <= now
    return found.state is State.OPEN


def topic_of(where: Place) -> str:
    """The topic a letter comes from, or `file`."""
    return FILE if isinstance(where, LinePlace) else where.topic


def kind_of_reason(why: str) -> str:
    """A reason without what differs from letter to letter, so that like can be counted with like."""
    return re.sub(r"[0-9][0-9,.]*", "N", why)


def masked(text: str) -> str:
    """The text without what may tell of a person: numbers of five digits and more, and all that is not ASCII."""
    return re.sub(r"[^\x00-\x7f]", "•", re.sub(r"[0-9](?:[ -]?[0-9]){4,}", _hidden, text))


def _hidden(match: re.Match[str]) -> str:
    return re.sub("[0-9]", "•", match[0])
