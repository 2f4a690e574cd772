"""What each source may send: the kinds of signals, and of watchlist entries the grades.

A confirmed suspect makes the payments of everybody to it a danger, and a lifted one is warned of no longer. So only the
centre's own sources may send these two, unless the setting names others; whoever only suspects sends a report.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from schemas.base import NAME
from schemas.risk.signals import Signal


class SourceRight(StrEnum):
    """What a source may send: a kind of signal, or a watchlist entry that confirms or lifts a suspect."""

    TRANSFER = "transfer"
    CALL = "call"
    SMS = "sms"
    APP = "app"
    REPORT = "report"
    CONFIRMED = "confirmed"
    LIFTED = "lifted"


ALL = "all"
OTHERS = "*"
DECISIONS = frozenset({SourceRight.CONFIRMED, SourceRight.LIFTED})
"""What only a named source may send."""
EVERY = frozenset(SourceRight)
USUAL = EVERY - DECISIONS
_token = re.compile(NAME).fullmatch
_CONSOLE = MappingProxyType({"console": frozenset({SourceRight.REPORT})})  # the centre's people: never shut out


@dataclass(frozen=True, slots=True)
class SourceRights:
    """The rights of the sources that are named, and of all others."""

    named: Mapping[str, frozenset[SourceRight]] = field(default_factory=lambda: _CONSOLE)
    others: frozenset[SourceRight] = USUAL

    def lacking(self, signal: Signal) -> SourceRight | None:
        """Return the right that the signal's source lacks to send it, or None if it may."""
        needed = signal.state if signal.kind == "watchlist" else signal.kind
        allowed = self.named.get(signal.source, self.others)
        return None if needed in allowed else SourceRight(needed)

    def deciding(self) -> list[str]:
        """Return the sources that may confirm or lift a suspect, in order."""
        return sorted(source for source, rights in self.named.items() if rights & DECISIONS)


NO_DECISIONS = SourceRights()
"""The rights where nobody is named: no source may confirm or lift a suspect."""


def refusal(lacked: SourceRight) -> tuple[str, str]:
    """Return what is wrong with a signal whose source lacks a right, and what to do."""
    name = f"have the centre name the source in QUANZU_SOURCE_RIGHTS with {lacked}"
    if lacked in DECISIONS:
        decide = "confirm" if lacked is SourceRight.CONFIRMED else "lift"
        return f"this source may not {decide} a suspect", f"Send a report, which the centre looks into, or {name}"
    return f"this source may not send signals of the kind {lacked}", f"Send them as the source that may, or {name}"


def rights_of_sources(text: str) -> SourceRights:
    """Return the rights in a text such as "police:all,bank-x:transfer+report,*:transfer".

    A source that is not named has the rights of `*`; without `*`, all but to confirm and lift. Raises ValueError that
    says what is wrong and what to write.
    """
    named: dict[str, frozenset[SourceRight]] = {}
    for number, entry in enumerate(_entries(text), start=1):
        source, rights = _entry(number, entry)
        if source in named:
            raise ValueError(f"entry {number}: {source} is named twice. Write all its rights in one entry")
        named[source] = rights
    others = named.pop(OTHERS, USUAL)
    return SourceRights(_CONSOLE | named, others)


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
            f"entry {number}: every feed could confirm or lift a suspect for everybody. Name the sources that may, "
            f"and write {OTHERS}:{'+'.join(sorted(USUAL))} for the others"
        )
    return source, rights
