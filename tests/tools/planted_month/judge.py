"""Judges the matching of reported frauds on a planted month: `python -m tests.tools.planted_month`.

Where a record has an identifier
by which the register knows its victim, at least 98 % must be matched to them; of all records, at most 0.1 % may be
matched to somebody else.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.identity.id_keys import IdKeys
from domain.identity.identifiers import normal_account, normal_phone
from domain.identity.reported_victims import Candidates, match_victim
from schemas.people.residents import Holding, Occupation, Resident, Sex
from schemas.risk.reported_frauds import ReportedFraud
from tests.tools.planted_month.plant import PlantedMonth, PlantedPerson, PlantedRecord

LEAST_RECALL, MOST_FALSE = 0.98, 0.001
SECRET = b"of a planted month, 24 b"
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(slots=True)
class DamageScore:
    """The results of the records with one kind of damage.

    `records`: all; `identifiable`: those with an identifier by which the register knows the victim; `found`: of these,
    matched to the victim; `wrong`: of all, matched to somebody else; `wrong_identifiable`: of the identifiable ones;
    `by_person`: left to a person to decide.
    """

    records: int = 0
    identifiable: int = 0
    found: int = 0
    wrong: int = 0
    wrong_identifiable: int = 0
    by_person: int = 0

    @property
    def recall(self) -> float:
        """The share of identifiable records that were matched to their victim; 1 if there are none."""
        return self.found / self.identifiable if self.identifiable else 1.0

    @property
    def false_share(self) -> float:
        """The share of all records that were matched to somebody else; 0 if there are none."""
        return self.wrong / self.records if self.records else 0.0

    @property
    def false_identifiable(self) -> float:
        """The share of identifiable records that were matched to somebody else; 0 if there are none."""
        return self.wrong_identifiable / self.identifiable if self.identifiable else 0.0


@dataclass(slots=True)
class MonthScore:
    """The results by kind of damage ("all": every record, "none": undamaged ones), and the numbers of matches by
    identifier and of unmatched records by reason.
    """

    kinds: dict[str, DamageScore] = field(default_factory=lambda: defaultdict(DamageScore))
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def passes(self) -> bool:
        """True if all records together meet both bars."""
        both = self.kinds["all"]
        return both.recall >= LEAST_RECALL and max(both.false_share, both.false_identifiable) <= MOST_FALSE


@dataclass(frozen=True, slots=True)
class PlantedRegister:
    """The register's entries by ID number's hash, telephone and account."""

    by_id: Mapping[str, list[Resident]]
    by_phone: Mapping[str, list[Resident]]
    by_account: Mapping[str, list[Resident]]

    def candidates(self, record: ReportedFraud) -> Candidates:
        """Return the residents who have the record's identifiers."""
        of_accounts = [each for account in record.accounts for each in self.by_account.get(account, [])]
        return Candidates(
            self.by_id.get(record.id_hash or "", []), self.by_phone.get(record.phone or "", []), of_accounts
        )


def judge(month: PlantedMonth) -> MonthScore:
    """Match all records of a planted month, and return the results."""
    keys, score = IdKeys(SECRET), MonthScore()
    register = _register((each for each in month.people if each.listed), keys)
    for planted in month.records:
        record = _as_sent(planted, keys)
        match = match_victim(record, register.candidates(record))
        score.outcomes[str(match.by or match.why)] += 1
        victim = month.people[planted.victim]
        right = match.resident == _resident_id(victim.number)
        known = month.identifiable(planted)
        for kind in ("all", *(planted.damage or {"none"})):
            each = score.kinds[kind]
            each.records += 1
            each.identifiable += known
            each.found += known and right
            each.wrong += match.resident is not None and not right
            each.wrong_identifiable += known and match.resident is not None and not right
            each.by_person += bool(match.candidates)
    return score


def _register(people: Iterable[PlantedPerson], keys: IdKeys) -> PlantedRegister:
    by_id, by_phone, by_account = defaultdict(list), defaultdict(list), defaultdict(list)
    for person in people:
        resident = _resident(person, keys)
        by_id[resident.id_hash or ""].append(resident)
        for phone in resident.phones:
            by_phone[phone.value].append(resident)
        for account in resident.accounts:
            by_account[account.value].append(resident)
    return PlantedRegister(by_id, by_phone, by_account)


def _resident(person: PlantedPerson, keys: IdKeys) -> Resident:
    return Resident(
        id=_resident_id(person.number),
        name=person.name,
        phones=[Holding(value=normal_phone(person.phone))],
        accounts=[Holding(value=normal_account(each)) for each in person.accounts],
        id_hash=keys.hash_of_text(person.id_number),
        birth_year=int(person.id_number[6:10]),
        sex=Sex.MALE if int(person.id_number[16]) % 2 else Sex.FEMALE,
        occupation=Occupation.EMPLOYEE,
        division=person.division,
    )


def _as_sent(record: PlantedRecord, keys: IdKeys) -> ReportedFraud:
    return ReportedFraud(
        source="police",
        id=record.id,
        reported_at=record.reported_at,
        happened_to=record.happened_at,
        loss_fen=record.loss_fen,
        id_hash=keys.hash_of_text(record.id_number) if record.id_number else None,
        phone=normal_phone(record.phone) if record.phone else None,
        accounts=[normal_account(record.account)] if record.account else [],
        name=record.name,
        division=record.division,
    )


def _resident_id(number: int) -> str:
    digits = ""
    for _ in range(16):
        number, digit = divmod(number, 32)
        digits = _BASE32[digit] + digits
    return f"r{digits}"
