"""Rows for statistics and research: cases, contacts and the ledger, without data that identifies a person.

A row has no name, number, account or note. A resident has a pseudonym, the same in each export of an installation, so
that months can be joined; nobody without the key can reverse it. Years of birth are rounded to five years, and
divisions to prefectures, because both together with a date would often identify a person in a village.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from domain.experiments.outcomes import money_left, reported_loss
from domain.identity.identifiers import keyed_hash, stated_occupation, stated_sex
from domain.payments import ledger
from domain.payments.status import frozen_amounts
from domain.policy.experiments.plan import OUTCOME_WITHIN
from domain.statistics.report import NO_CONTACT
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, FactKind
from schemas.levels import EvidenceClass
from schemas.people.residents import AssumedField

Pseudonym = Callable[[str], str]
"""Returns the pseudonym of a resident's or transfer's id."""

YEARS = 5  # a year of birth is rounded down to a multiple of this


class CaseRow(NamedTuple):
    """A case in its latest state. Money is in fen, times are in UTC; counts and sums are those of
    domain/payments/ledger.Totals. `case`, `resident`: pseudonyms. `born_from`,
    `sex`, `occupation`: None if nobody has asked the resident.
    """

    case: str
    resident: str
    opened_at: datetime
    settled_at: datetime | None
    closed_at: datetime | None
    warned_at: datetime | None  # the latest contact that reached the resident
    state: str
    level: str
    outcome: str | None
    ground: str | None  # what "dissuaded" rests on
    scam_type: str
    probability: float
    exposure_fen: int
    prefecture: str  # GB/T 2260, six digits
    born_from: int | None  # the year of birth, rounded down to a multiple of 5
    sex: str | None
    occupation: str | None
    language: str
    balance: str
    policy: str
    warned: int
    dissuaded_evidenced: int  # the resident answered a call or was met
    dissuaded_stated: int  # on another ground: never add it to the other
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
    """A result of a contact at `at` (UTC). `case`, `resident`, `dispatch`: pseudonyms. `contacted`: False if the
    contact failed, was not sent or was not delivered.
    """

    case: str
    resident: str
    at: datetime
    dispatch: str  # one dispatch may have several results (sent, then delivered)
    step: str
    action: str
    channel: str
    result: str
    contacted: bool
    level: str
    scam_type: str
    prefecture: str


class LedgerRow(NamedTuple):
    """An amount (fen) of a case: loss avoided ("kept"), frozen by a bank ("frozen") or lost ("lost"), as `entry` says.
    A loss is the case's total, without money that banks kept. `case`, `resident`: pseudonyms.
    """

    case: str
    resident: str
    opened_at: datetime
    entry: str
    evidence: str | None  # the evidence class of kept money, A to D
    transfer: str | None  # None: an estimate, or a sum reported without its transfers
    amount_fen: int


class ExperimentRow(NamedTuple):
    """A case's assignment to an arm of a randomised experiment. `propensity`: the probability that the arm had.

    `left_fen`: the money that left within 72 hours in payments that the case knows, complete from `complete_at` on;
    None if no bank reported about the resident at the assignment. A case knows payments only if it reached orange
    before it was settled. `defrauded_fen`: the losses of the police's records whose last payment was in these 72 hours;
    None if one states no sum.
    """

    case: str
    resident: str
    experiment: str
    arm: str
    unit: str  # what was randomised: a pseudonym
    propensity: float
    assigned_at: datetime
    complete_at: datetime
    left_fen: int | None
    defrauded_fen: int | None
    level: str
    scam_type: str
    prefecture: str


def pseudonyms(secret: bytes) -> Pseudonym:
    """Return the function that makes the pseudonyms of an installation: keyed hashes of 128 bits, in base 32.

    The returned function raises ValueError if the secret is shorter than 16 bytes.
    """
    return lambda name: keyed_hash(secret, "export", name)


def case_row(case: Case, name: Pseudonym) -> CaseRow:
    """Return the export's row of a case. `name`: returns the pseudonym of an id; its ValueError (a secret under 16
    bytes) passes through.
    """
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
        ground=case.ground.value if case.ground else None,
        scam_type=case.danger.scam_type,
        probability=case.danger.probability,
        exposure_fen=case.danger.exposure_fen,
        prefecture=_prefecture(case),
        born_from=None if AssumedField.BIRTH_YEAR in profile.assumed else profile.birth_year // YEARS * YEARS,
        sex=stated_sex(profile),
        occupation=stated_occupation(profile),
        language=profile.language.value,
        balance=profile.balance.value,
        policy=case.policy,
        warned=books.warned,
        dissuaded_evidenced=books.dissuaded_evidenced,
        dissuaded_stated=books.dissuaded_stated,
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
    """Yield an export row for each contact result in an event, in the order of its facts. `name`: returns the pseudonym
    of an id; its ValueError (a secret under 16 bytes) passes through.
    """
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
    """Yield the export's ledger rows of a case, amounts in fen: each entry of loss avoided, then each frozen amount,
    then one row for the loss, if there is one. Their sums over all cases equal the dashboards' figures.

    `name`: returns the pseudonym of an id; its ValueError (a secret under 16 bytes) passes through.
    """
    for transfer, kept in case.kept.items():
        named = name(transfer) if transfer != ledger.EXPOSURE else None
        yield _entry(case, name, "kept", kept.evidence, named, kept.amount_fen)
    for transfer, amount in frozen_amounts(case).items():
        yield _entry(case, name, "frozen", None, name(transfer), amount)
    if lost := ledger.of_case(case).lost:
        yield _entry(case, name, "lost", None, None, lost)


def experiment_rows(case: Case, name: Pseudonym) -> Iterator[ExperimentRow]:
    """Yield an export row for each assignment of a case to an experiment; none if it has no assignment. `name`: returns
    the pseudonym of an id; its ValueError (a secret under 16 bytes) passes through.
    """
    for experiment, given in case.experiments.items():
        loss, unstated = reported_loss(case, given)
        yield ExperimentRow(
            case=_case(case, name),
            resident=name(case.resident),
            experiment=experiment,
            arm=given.arm,
            unit=name(given.unit),
            propensity=given.propensity,
            assigned_at=given.at,
            complete_at=given.outcome_from + OUTCOME_WITHIN,
            left_fen=money_left(case, given),
            defrauded_fen=None if unstated else loss,
            level=case.level.value,
            scam_type=case.danger.scam_type,
            prefecture=_prefecture(case),
        )


def opened_within(cases: Iterable[Case], since: datetime, until: datetime) -> Iterator[Case]:
    """Yield the cases opened from `since` (inclusive) to `until` (exclusive), in the given order."""
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
