"""The states of a dead letter, derived from the acts on it. If acts are concurrent, their order on the topic decides.

In the balance of signals (accepted = raised + below + unmatched + duplicate + dead-lettered, by source) a letter counts
as dead-lettered while it is open, and for good once dropped. When it is sent again, the step that counts its new
outcome also reduces the dead-lettered count; `accepted` does not change, because it was counted when the signal came. A
row of a file was never accepted: it counts as accepted when it is sent again. So the balance always holds, however
often a letter is sent.
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
    """An act on a dead letter, by its name on the audit topic.

    SENDING: written before the dead letter is sent again. SENT: it was sent again. DROPPED: it was dropped for good.
    """

    SENDING = "letter-sending"
    SENT = "letter-sent"
    DROPPED = "letter-dropped"


class State(StrEnum):
    """The state of a dead letter.

    OPEN: nothing was done. SENDING: somebody began to send it again, and the end is unknown; sending it once more
    completes this. SENT: it was sent again. DROPPED: it was dropped for good.
    """

    OPEN = "open"
    SENDING = "sending"
    SENT = "sent"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class DeadLetterStatus:
    """The state of a dead letter, and the act that led to it (None while it is open)."""

    state: State = State.OPEN
    act: AuditEntry | None = None


@dataclass(frozen=True, slots=True)
class DeadLetterSummary:
    """A dead letter without its content, for lists.

    `id`: stays the same if the record is refused again. `source`: of the signal. `topic`: the topic that the record was
    on. `at`: when it was refused. `why`: the reason. `size`: of the content, in bytes. `offset`: on the topic of dead
    letters.
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
class DeadLetterFilter:
    """A filter for dead letters; a field that is None matches all.

    `source`, `topic`: exactly these. `reason`: a part of the dead letter's reason, ignoring case. `since` (inclusive),
    `until` (exclusive): limits of the time of refusal. `state`: OPEN also matches SENDING.
    """

    source: str | None = None
    topic: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    state: State | None = State.OPEN

    def fits(self, letter: DeadLetterSummary, state: State) -> bool:
        """Return True if the filter matches a dead letter in this state. A filter for OPEN also matches SENDING."""
        right = self.state in (None, state) or (self.state is State.OPEN and state is State.SENDING)
        return right and self.means(letter)

    def means(self, letter: DeadLetterSummary) -> bool:
        """Return True if the filter matches a dead letter, whatever its state."""
        return (
            self.source in (None, letter.source)
            and self.topic in (None, letter.topic)
            and (self.reason is None or self.reason.casefold() in letter.why.casefold())
            and (self.since is None or self.since <= letter.at)
            and (self.until is None or letter.at < self.until)
        )


def follow(before: DeadLetterStatus, act: AuditEntry) -> DeadLetterStatus:
    """Return the status of a dead letter after one more act. An act that is not possible in the present state changes
    nothing: `before` is returned.
    """
    if before.state is State.OPEN and act.act == Act.DROPPED:
        return DeadLetterStatus(State.DROPPED, act)
    if act.act == Act.SENDING and may_send(before, act.detail, act.at):
        return DeadLetterStatus(State.SENDING, act)
    if before.state is State.SENDING and act.act == Act.SENT:
        return DeadLetterStatus(State.SENT, act)
    return before


def status_after(acts: Iterable[AuditEntry]) -> DeadLetterStatus:
    """Return the status of a dead letter after all its acts, given in the order of the topic; OPEN without acts."""
    found = DeadLetterStatus()
    for act in acts:
        found = follow(found, act)
    return found


def may_send(found: DeadLetterStatus, what: str, now: datetime) -> bool:
    """Return True if a dead letter in the status `found` may be sent again at `now` with the repair `what` (the
    `detail` of the act).

    That is so if it is open, if its sending began at least a minute ago and did not end, or if it is being sent with
    the same repair. False once it was sent or dropped.
    """
    if found.state is State.SENDING and found.act is not None:
        return found.act.detail == what or found.act.at + LEASE <= now
    return found.state is State.OPEN


def topic_of(where: Place) -> str:
    """Return the topic from which a dead letter comes, or "file" if it is a line of a file."""
    return FILE if isinstance(where, LinePlace) else where.topic


def kind_of_reason(why: str) -> str:
    """Return a reason with each number replaced by N, so that similar reasons can be counted together."""
    return re.sub(r"[0-9][0-9,.]*", "N", why)


def masked(text: str) -> str:
    """Return the text with • in place of personal data, for display.

    Masked are the digits of numbers of five or more digits, all non-ASCII characters, CDATA sections, and the contents
    of those elements of an ISO 20022 message that have names, addresses and remarks, also in Latin letters.
    """
    plain = _PERSONAL.sub(r"\1•", _CDATA.sub("•", text))
    return re.sub(r"[^\x00-\x7f]", "•", re.sub(r"[0-9](?:[ -]?[0-9]){4,}", _hidden, plain))


def _hidden(match: re.Match[str]) -> str:
    return re.sub("[0-9]", "•", match[0])
