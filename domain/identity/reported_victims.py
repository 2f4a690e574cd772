"""Finds the resident whom a record of a reported fraud is about, by exact identifiers.

A name alone never matches: namesakes are frequent. The ID number comes first, then a telephone that a name, an account
or a division supports, then an account. A name supports or contradicts a telephone or account: numbers change hands,
and relatives lend them.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from domain.identity.divisions import COUNTY_DIGITS, meet
from domain.identity.id_keys import comparable
from schemas.people.residents import Resident, ResidentId
from schemas.risk.reported_frauds import (
    MOST_CANDIDATES,
    MatchedBy,
    MatchStrength,
    ReportedFraud,
    UnmatchedReason,
)

_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
SHORTEST_MISSPELT = 2  # characters: of a shorter name nothing is left that could agree


@dataclass(frozen=True, slots=True)
class Candidates:
    """The residents in the register who have the record's identifiers, merged entries resolved. Empty: nobody has it.

    `by_phone`: those who held the telephone at the time of the fraud or of the report; `by_account`: likewise.
    """

    by_id: Sequence[Resident] = ()
    by_phone: Sequence[Resident] = ()
    by_account: Sequence[Resident] = ()

    @property
    def everybody(self) -> list[Resident]:
        """All candidates, each once, those of the ID number first."""
        return list({each.id: each for each in (*self.by_id, *self.by_phone, *self.by_account)}.values())


@dataclass(frozen=True, slots=True)
class VictimMatch:
    """The result of matching a record: the resident to whom it belongs, by which identifier and how surely; or the
    reason (`why`) for which it belongs to nobody, with `resident`, `by` and `strength` None.

    `candidates`: without a match, the ids of the residents among whom a person may decide.
    """

    resident: ResidentId | None = None
    by: MatchedBy | None = None
    strength: MatchStrength | None = None
    why: UnmatchedReason | None = None
    candidates: tuple[ResidentId, ...] = ()


class NameAgreement(IntEnum):
    """How a record's name agrees with a resident's, the higher the better. UNKNOWN: the record has none."""

    OTHER = 0
    UNKNOWN = 1
    MISSPELT = 2
    SAME = 3


def match_victim(record: ReportedFraud, found: Candidates) -> VictimMatch:
    """Return the resident whom the record is about, or the reason for which none can be determined (see VictimMatch).
    `found`: the residents who have the record's identifiers.

    The ID number decides against a telephone or account. Only if its holder has another name than the record, a person
    decides (CONFLICT) in two cases: a holder of the telephone or account has the record's name, or the ID number's
    holder holds neither of these. The ID number may then be a wrong one. Residents who are known to have another ID
    number than the record are not matched by telephone or account; if nobody else is left and one of them has the
    record's name, a person decides.
    """
    if not (record.id_hash or record.phone or record.accounts):
        return VictimMatch(why=UnmatchedReason.NO_IDENTIFIER)
    if len(found.by_id) > 1:
        return _undecided(UnmatchedReason.AMBIGUOUS, found.by_id)
    if found.by_id:
        return _by_id(record, found.by_id[0], found)
    left = Candidates((), _not_refuted(record, found.by_phone), _not_refuted(record, found.by_account))
    if left.everybody:
        return _without_id(record, left)
    if refuted := _named(record, found.everybody):
        return _undecided(UnmatchedReason.CONFLICT, refuted)
    return VictimMatch(why=UnmatchedReason.OTHER_NAME if found.everybody else UnmatchedReason.NOT_IN_REGISTER)


def agreement(written: str | None, name: str) -> NameAgreement:
    """Return how a name as written in a record agrees with a resident's name. Letter case, width, blanks and middle
    dots do not count.

    SAME: they are equal. MISSPELT: both have at least two characters, and one character is another, missing or too
    many, or two neighbours are exchanged. UNKNOWN: the record has no name, or one name is in Chinese characters and the
    other in Korean or Latin letters, which cannot be compared. OTHER: anything else.
    """
    if written is None or not (one := _plain(written)):
        return NameAgreement.UNKNOWN
    other = _plain(name)
    if one == other:
        return NameAgreement.SAME
    if bool(_HAN.search(one)) is not bool(_HAN.search(other)):
        return NameAgreement.UNKNOWN
    if min(len(one), len(other)) < SHORTEST_MISSPELT or not _one_slip(one, other):
        return NameAgreement.OTHER
    return NameAgreement.MISSPELT


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(each for each in text if each.isalnum())


def _one_slip(one: str, other: str) -> bool:
    """Return True if the names, which differ, differ by one character, or by two neighbours that are exchanged."""
    if len(one) == len(other):
        wrong = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if len(wrong) == 1:
            return True
        first = wrong[0]
        swapped = one[:first] + one[first + 1 : first + 2] + one[first] + one[first + 2 :]
        return len(wrong) == 2 and swapped == other
    short, long = sorted((one, other), key=len)
    return len(long) == len(short) + 1 and any(long[:n] + long[n + 1 :] == short for n in range(len(long)))


def _by_id(record: ReportedFraud, holder: Resident, found: Candidates) -> VictimMatch:
    others = [each for each in found.everybody if each.id != holder.id]
    supported = any(each.id == holder.id for each in (*found.by_phone, *found.by_account))
    renamed = agreement(record.name, holder.name) is NameAgreement.OTHER
    if renamed and (named := _named(record, others) or ([] if supported else [holder])):
        return _undecided(UnmatchedReason.CONFLICT, [holder, *named])
    strength = MatchStrength.STRONG if others or renamed else MatchStrength.CERTAIN
    return VictimMatch(holder.id, MatchedBy.ID_NUMBER, strength)


def _without_id(record: ReportedFraud, found: Candidates) -> VictimMatch:
    """Return the match by telephone or account, among candidates whom the record's ID number does not refute."""
    both = _common(found.by_phone, found.by_account)
    for fitting, by, strength in (
        (_named(record, both) or _not_contradicted(record, both), MatchedBy.PHONE_ACCOUNT, MatchStrength.STRONG),
        (_named(record, found.by_phone), MatchedBy.PHONE_NAME, MatchStrength.STRONG),
        (_named(record, found.by_account), MatchedBy.ACCOUNT, MatchStrength.STRONG),
        (_misspelt(record, found.by_phone), MatchedBy.PHONE_NAME, MatchStrength.FAIR),
        (_misspelt(record, found.by_account), MatchedBy.ACCOUNT, MatchStrength.FAIR),
        (_unnamed_here(record, found.by_phone), MatchedBy.PHONE_DIVISION, MatchStrength.FAIR),
        (_unnamed(record, found.by_account), MatchedBy.ACCOUNT, MatchStrength.FAIR),
    ):
        if len(fitting) == 1:
            return _unless_another(record, fitting[0], by, strength, found)
        if fitting:
            return _undecided(UnmatchedReason.AMBIGUOUS, fitting)
    if record.name is None:
        return _undecided(UnmatchedReason.PHONE_ALONE, ())
    return _undecided(UnmatchedReason.OTHER_NAME, ())


def _unless_another(
    record: ReportedFraud, resident: Resident, by: MatchedBy, strength: MatchStrength, found: Candidates
) -> VictimMatch:
    """Return the match, unless another identifier names somebody else whose name agrees at least as well."""
    own = agreement(record.name, resident.name)
    rivals = [
        each
        for each in found.everybody
        if each.id != resident.id and agreement(record.name, each.name) >= max(own, NameAgreement.UNKNOWN)
    ]
    if rivals:
        return _undecided(UnmatchedReason.CONFLICT, [resident, *rivals])
    return VictimMatch(resident.id, by, strength)


def _not_refuted(record: ReportedFraud, residents: Iterable[Resident]) -> list[Resident]:
    """Return the residents without those who have another ID number than the record. Numbers hashed under different
    keys are not compared.
    """
    return [each for each in residents if not (_both_known(record, each) and record.id_hash != each.id_hash)]


def _both_known(record: ReportedFraud, resident: Resident) -> bool:
    hashes = [each for each in (record.id_hash, resident.id_hash) if each]
    return len(hashes) == 2 and comparable(hashes)


def _named(record: ReportedFraud, residents: Iterable[Resident]) -> list[Resident]:
    return [each for each in residents if agreement(record.name, each.name) is NameAgreement.SAME]


def _not_contradicted(record: ReportedFraud, residents: Iterable[Resident]) -> list[Resident]:
    return [each for each in residents if agreement(record.name, each.name) is not NameAgreement.OTHER]


def _misspelt(record: ReportedFraud, residents: Sequence[Resident]) -> list[Resident]:
    """Return a list with the only holder of a number if the record misspells their name and has their place; else [].

    Brothers and sisters often differ by one character: so somebody else who shares the number rules it out.
    """
    if len(residents) != 1 or not _here(record, residents[0]):
        return []
    return [each for each in residents if agreement(record.name, each.name) is NameAgreement.MISSPELT]


def _unnamed_here(record: ReportedFraud, residents: Iterable[Resident]) -> list[Resident]:
    return [each for each in _unnamed(record, residents) if _here(record, each)]


def _unnamed(record: ReportedFraud, residents: Iterable[Resident]) -> list[Resident]:
    return [each for each in residents if agreement(record.name, each.name) is NameAgreement.UNKNOWN]


def _here(record: ReportedFraud, resident: Resident) -> bool:
    """Return True if the record names the resident's county, or a street of it that is not another than theirs."""
    known = record.division is not None and len(record.division) >= COUNTY_DIGITS
    return known and meet(record.division or "", resident.division)


def _common(some: Iterable[Resident], others: Iterable[Resident]) -> list[Resident]:
    ids = {each.id for each in others}
    return [each for each in some if each.id in ids]


def _undecided(why: UnmatchedReason, candidates: Sequence[Resident]) -> VictimMatch:
    named = tuple(sorted({each.id for each in candidates}))[:MOST_CANDIDATES]
    return VictimMatch(why=why, candidates=named)
