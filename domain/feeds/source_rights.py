"""The rights of each source: the kinds of signals that it may send, whether it may confirm or lift suspects, and
whether it may send the police's records of frauds.

A confirmed suspect makes everybody's payments to it a danger, and nobody is warned of a suspect that was lifted. So
only sources that the setting names may confirm or lift, or rate telephone numbers. Any other source can send a
report.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from schemas.base import NAME, Partial
from schemas.risk.signals import Signal


class SourceRight(StrEnum):
    """A right of a source: to send a kind of signal, a watchlist entry that confirms or lifts a suspect or rates a
    telephone number, or the police's records of frauds.
    """

    TRANSFER = "transfer"
    CALL = "call"
    SMS = "sms"
    APP = "app"
    REPORT = "report"
    CONFIRMED = "confirmed"
    LIFTED = "lifted"
    RATED = "rated"
    REPORTED_FRAUD = "reported_fraud"


ALL = "all"
OTHERS = "*"
DECISIONS = frozenset({SourceRight.CONFIRMED, SourceRight.LIFTED, SourceRight.RATED, SourceRight.REPORTED_FRAUD})
"""What only a named source may send."""
EVERY = frozenset(SourceRight)
USUAL = EVERY - DECISIONS
_DECIDE = Partial(
    {
        SourceRight.CONFIRMED: "confirm a suspect",
        SourceRight.LIFTED: "lift a suspect",
        SourceRight.RATED: "rate a telephone number",
        SourceRight.REPORTED_FRAUD: "send the police's records of frauds",
    }
)
_CONFIRMING = frozenset({SourceRight.CONFIRMED, SourceRight.LIFTED})
_token = re.compile(NAME).fullmatch
APPEALS = "appeals"  # the source of what a supervisor decides on an appeal
_CENTRE = MappingProxyType(  # the centre's people: never shut out
    {"console": frozenset({SourceRight.REPORT}), APPEALS: frozenset({SourceRight.LIFTED})}
)


@dataclass(frozen=True, slots=True)
class SourceRights:
    """The rights of the sources that are named (by name), and of all others."""

    named: Mapping[str, frozenset[SourceRight]] = field(default_factory=lambda: _CENTRE)
    others: frozenset[SourceRight] = USUAL

    def lacking(self, signal: Signal) -> SourceRight | None:
        """Return the right that the signal requires and its source does not have; None if the source may send the
        signal.
        """
        needed = signal.state if signal.kind == "watchlist" else signal.kind
        allowed = self.named.get(signal.source, self.others)
        return None if needed in allowed else SourceRight(needed)

    def may_report_frauds(self, source: str) -> bool:
        """Return True if the source may send the police's records of frauds, by which warnings are judged."""
        return SourceRight.REPORTED_FRAUD in self.named.get(source, self.others)

    def deciding(self) -> list[str]:
        """Return the names of the sources that may confirm or lift a suspect, sorted. The right to rate telephone
        numbers does not count, and neither do appeals, which a supervisor decides.
        """
        return sorted(source for source, rights in self.named.items() if rights & _CONFIRMING and source != APPEALS)


NO_DECISIONS = SourceRights()
"""The rights where nobody is named: no source may confirm or lift a suspect."""


def refusal(lacked: SourceRight) -> tuple[str, str]:
    """Return (fault, correction), in English, for a signal whose source lacks a right."""
    name = f"have the centre name the source in QUANZU_SOURCE_RIGHTS with {lacked}"
    if act := _DECIDE.get(lacked):
        return f"this source may not {act}", f"Send a report, which the centre looks into, or {name}"
    return f"this source may not send signals of the kind {lacked}", f"Send them as the source that may, or {name}"


def rights_of_sources(text: str) -> SourceRights:
    """Return the rights in a setting such as "police:all,bank-x:transfer+report,*:transfer".

    A source that is not named has the rights of `*`; without `*`, all rights except to confirm or lift a suspect, to
    rate a telephone number, or to send the police's records of frauds. The console may always send reports, and a
    decided appeal may lift its suspect, unless the setting names them.

    Raises ValueError with the fault and the correction if an entry is not SOURCE:RIGHT+RIGHT, names an unknown right,
    repeats a source, or gives `*` one of those rights.
    """
    named: dict[str, frozenset[SourceRight]] = {}
    for number, entry in enumerate(_entries(text), start=1):
        source, rights = _entry(number, entry)
        if source in named:
            raise ValueError(f"entry {number}: {source} is named twice. Write all its rights in one entry")
        named[source] = rights
    others = named.pop(OTHERS, USUAL)
    return SourceRights(_CENTRE | named, others)


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.replace("\n", ",").split(",") if entry.strip()]


def _entry(number: int, entry: str) -> tuple[str, frozenset[SourceRight]]:
    source, colon, told = (part.strip() for part in entry.partition(":"))
    if not colon or not (source == OTHERS or _token(source)):
        raise ValueError(f"entry {number}: write SOURCE:RIGHT+RIGHT, such as bank-x:transfer+report")
    words = [word.strip() for word in told.split("+")]
    if wrong := [word for word in words if word != ALL and word not in EVERY]:
        raise ValueError(f"entry {number}: {wrong[0]!r} is no right. Write {', '.join(SourceRight)} or {ALL}")
    rights = EVERY if ALL in words else frozenset(map(SourceRight, words))
    if source == OTHERS and rights & DECISIONS:
        raise ValueError(
            f"entry {number}: every feed could confirm or lift a suspect, rate numbers, or report frauds for the "
            "police. Name the sources that may, "
            f"and write {OTHERS}:{'+'.join(sorted(USUAL))} for the others"
        )
    return source, rights
