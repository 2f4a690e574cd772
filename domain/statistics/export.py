"""What is given to who counts and studies: cases, contacts and the ledger as rows, without saying who anybody is.

A row has no name, number, account or note. A resident is a pseudonym: the same in each export of one installation, so
that months can be joined, and nothing to who has not its key. The year of birth is given by five years and the
division by its prefecture, since both together with a day would often name a person in a village.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from domain.identity.identifiers import keyed_hash
from domain.payments import ledger
from domain.statistics.report import NO_CONTACT
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, FactKind
from schemas.levels import EvidenceClass

Pseudonym = Callable[[str], str]
"""A name for a resident's id or a transfer's."""

YEARS = 5  # a year of birth is given as the first of these many


class CaseRow(NamedTuple):
    """A case as it stands. Money in fen; times are UTC; the counts are those of the books (domain/payments/ledger)."""

    case: str
    resident: str
    opened_at: datetime
    settled_at: datetime | None
    closed_at: datetime | None
    warned_at: datetime | None  # the latest contact that reached the resident
    state: str
    level: str
    outcome: str | None
    scam_type: str
    probability: float
    exposure_fen: int
    prefecture: str  # GB/T 2260, six digits
    born_from: int
    sex: str
    occupation: str
    language: str
    balance: str
    policy: str
    warned: int
    dissuaded: int
    false_alarms: int
    kept_a_fen: int
    kept_b_fen: int
    kept_c_fen: int
    kept_d_fen: int  # modelled: never add it to the others
    frozen_fen: int
    lost_fen: int
    defrauded_after_warning_30d: int
    defrauded_after_warning_90d: int


class ContactRow(NamedTuple):
    """A result of a contact. `contacted`: whether by it somebody was reached for, as the report counts."""

    case: str
    resident: str
    at: datetime
    dispatch: str  # several results (sent, then delivered) are of one
    step: str
    action: str
    channel: str
    result: str
    contacted: bool
    level: str
    scam_type: str
    prefecture: str


class LedgerRow(NamedTuple):
    """Money in the books. `entry`: kept, frozen or lost; a loss is a case's whole, less what banks kept of it."""

    case: str
    resident: str
    opened_at: datetime
    entry: str
    evidence: str | None  # of kept money: its class, A to D
    transfer: str | None  # none: an estimate, or a sum that was told without its transfers
    amount_fen: int


def pseudonyms(secret: bytes) -> Pseudonym:
    """An installation's pseudonyms: keyed hashes of 128 bits. Raises ValueError when called with a secret too short."""
    return lambda name: keyed_hash(secret, "export", name)


def case_row(case: Case, name: Pseudonym) -> CaseRow:
    """The row of a case as it stands."""
    books, profile = ledger.of_case(case), case.profile
    return CaseRow(
        case=_case(case, name),
        resident=name(case.resident),
        opened_at=case.opened_at,
        settled_at=case.settled_at,
        closed_at=case.closed_at,
        warned_at=case.warned_at,
        state=case.state.value,
        level=case.level.value,
        outcome=case.outcome.value if case.outcome else None,
        scam_type=case.danger.scam_type,
        probability=case.danger.probability,
        exposure_fen=case.danger.exposure_fen,
        prefecture=_prefecture(case),
        born_from=profile.birth_year // YEARS * YEARS,
        sex=profile.sex.value,
        occupation=profile.occupation.value,
        language=profile.language.value,
        balance=profile.balance.value,
        policy=case.policy,
        warned=books.warned,
        dissuaded=books.dissuaded,
        false_alarms=books.false_alarms,
        kept_a_fen=books.kept_a,
        kept_b_fen=books.kept_b,
        kept_c_fen=books.kept_c,
        kept_d_fen=books.kept_d,
        frozen_fen=books.frozen,
        lost_fen=books.lost,
        defrauded_after_warning_30d=books.defrauded_after_warning_30d,
        defrauded_after_warning_90d=books.defrauded_after_warning_90d,
    )


def contact_rows(event: CaseEvent, name: Pseudonym) -> Iterator[ContactRow]:
    """The results that an event tells of."""
    case = event.case
    for fact in event.facts:
        if fact.kind is FactKind.RESULT and fact.action and fact.result:
            yield ContactRow(
                case=_case(case, name),
                resident=name(case.resident),
                at=event.at,
                dispatch=name(event.input.rpartition(":")[0]),
                step=fact.step or "",
                action=fact.action.value,
                channel=fact.action.channel.value,
                result=fact.result.value,
                contacted=fact.result not in NO_CONTACT,
                level=case.level.value,
                scam_type=case.danger.scam_type,
                prefecture=_prefecture(case),
            )


def ledger_rows(case: Case, name: Pseudonym) -> Iterator[LedgerRow]:
    """What stands in a case's books. Their sums over all cases are the dashboards' figures."""
    for transfer, kept in case.kept.items():
        named = name(transfer) if transfer != ledger.EXPOSURE else None
        yield _entry(case, name, "kept", kept.evidence, named, kept.amount_fen)
    for transfer, amount in case.frozen.items():
        yield _entry(case, name, "frozen", None, name(transfer), amount)
    if lost := ledger.of_case(case).lost:
        yield _entry(case, name, "lost", None, None, lost)


def opened_within(cases: Iterable[Case], since: datetime, until: datetime) -> Iterator[Case]:
    """The cases opened from `since` on and before `until`."""
    return (case for case in cases if since <= case.opened_at < until)


def _entry(
    case: Case, name: Pseudonym, entry: str, evidence: EvidenceClass | None, transfer: str | None, amount_fen: int
) -> LedgerRow:
    graded = evidence.value if evidence else None
    return LedgerRow(_case(case, name), name(case.resident), case.opened_at, entry, graded, transfer, amount_fen)


def _case(case: Case, name: Pseudonym) -> str:
    return f"{name(case.resident)}-{case.number}"


def _prefecture(case: Case) -> str:
    return f"{case.profile.division[:4]}00"
