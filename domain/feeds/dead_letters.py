"""The states of a dead letter, derived from the acts on it; of concurrent acts, the order on the topic decides.

In the balance of signals (accepted = raised + below + unmatched + duplicate + dead-lettered, by source) a letter counts
as dead-lettered while it is open, and for good once dropped. When it is sent again, the step that counts its new
outcome also takes back the dead-lettered count; `accepted` does not change, because it was accepted when it came. A row
of a file was never accepted: it counts as accepted when it is sent again. So the balance holds before, after, and
however often it is sent.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.administration.audit import AuditEntry
from schemas.administration.dead_letters import LinePlace, Place

LEASE = timedelta(minutes=1)  # for which nobody else may send or drop a letter that is being sent
FILE = "file"  # the topic's name for letters from files


class Act(StrEnum):
    """An act on a letter, by its name on the audit topic. SENDING: written before the letter is sent again; SENT: it
    was sent; DROPPED: it was dropped for good.
    """

    SENDING = "letter-sending"
    SENT = "letter-sent"
    DROPPED = "letter-dropped"


class State(StrEnum):
    """The state of a dead letter. OPEN: nothing was done; SENDING: sending it again began and is not known to be
    completed, and sending it again completes it; SENT: it was sent again; DROPPED: it was dropped for good.
    """

    OPEN = "open"
    SENDING = "sending"
    SENT = "sent"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class LetterStatus:
    """A letter's state, and the act that led to it (None while open)."""

    state: State = State.OPEN
    act: AuditEntry | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A letter without its content, for lists.

    `id`: the letter's, which stays the same if it is refused again; `source`: of the signal; `topic`: the one that it
    was on; `at`: when it was refused; `why`: the reason; `size`: of its content, in bytes; `offset`: on the topic of
    dead letters.
    """

    id: str
    source: str
    topic: str
    at: datetime
    why: str
    size: int
    offset: int


_CDATA = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)
_NAMES = "Nm|StrtNm|BldgNm|BldgNb|Flr|Room|PstBx|PstCd|TwnNm|TwnLctnNm|DstrctNm|CtrySubDvsn|Dept|SubDept|AdrLine"
_REMARKS = "Ustrd|AddtlInf|InstrInf|EmailAdr|PhneNb|MobNb|FaxNb|BirthDt|CityOfBirth|PrvcOfBirth"
_PERSONAL = re.compile(rf"(<(?:[\w.-]{{1,40}}:)?(?:{_NAMES}|{_REMARKS})(?:\s[^<>]*)?>)[^<]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter for letters; a field that is None matches all. `since` is inclusive, `until` exclusive; both compare the
    time of refusal.

    `source`, `topic`: exactly these. `reason`: a part of the letter's reason, in upper or lower case. `state`: OPEN
    also fits a letter that is being sent.
    """

    source: str | None = None
    topic: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    state: State | None = State.OPEN

    def fits(self, letter: Listed, state: State) -> bool:
        """Return whether a letter in this state matches. A letter that is being sent counts as open."""
        right = self.state in (None, state) or (self.state is State.OPEN and state is State.SENDING)
        return right and self.means(letter)

    def means(self, letter: Listed) -> bool:
        """Return whether a letter matches, regardless of its state."""
        return (
            self.source in (None, letter.source)
            and self.topic in (None, letter.topic)
            and (self.reason is None or self.reason.casefold() in letter.why.casefold())
            and (self.since is None or self.since <= letter.at)
            and (self.until is None or letter.at < self.until)
        )


def follow(before: LetterStatus, act: AuditEntry) -> LetterStatus:
    """Return the state after an act; an act that came too late changes nothing."""
    if before.state is State.OPEN and act.act == Act.DROPPED:
        return LetterStatus(State.DROPPED, act)
    if act.act == Act.SENDING and may_send(before, act.detail, act.at):
        return LetterStatus(State.SENDING, act)
    if before.state is State.SENDING and act.act == Act.SENT:
        return LetterStatus(State.SENT, act)
    return before


def status_after(acts: Iterable[AuditEntry]) -> LetterStatus:
    """Return a letter's state after all acts, in the order of the topic."""
    found = LetterStatus()
    for act in acts:
        found = follow(found, act)
    return found


def may_send(found: LetterStatus, what: str, now: datetime) -> bool:
    """Return whether a letter may be sent: it is open, its sending began a minute ago or earlier, or it is being sent
    with the same repair (`what`).
    """
    if found.state is State.SENDING and found.act is not None:
        return found.act.detail == what or found.act.at + LEASE <= now
    return found.state is State.OPEN


def topic_of(where: Place) -> str:
    """Return the topic that a letter comes from, or "file"."""
    return FILE if isinstance(where, LinePlace) else where.topic


def kind_of_reason(why: str) -> str:
    """Return a reason with each number replaced by N, so that similar reasons can be counted together."""
    return re.sub(r"[0-9][0-9,.]*", "N", why)


def masked(text: str) -> str:
    """Return the text with • in place of the digits of numbers of five or more digits, of non-ASCII characters, and of
    what an ISO 20022 message has in its elements of names, addresses and remarks, which may be in Latin letters.
    """
    plain = _PERSONAL.sub(r"\1•", _CDATA.sub("•", text))
    return re.sub(r"[^\x00-\x7f]", "•", re.sub(r"[0-9](?:[ -]?[0-9]){4,}", _hidden, plain))


def _hidden(match: re.Match[str]) -> str:
    return re.sub("[0-9]", "•", match[0])
