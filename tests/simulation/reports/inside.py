"""What officers, the police and the installation itself report: visits, places, losses, files, holds, the policy."""

from datetime import timedelta

from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import Payment
from schemas.casework.evidence_files import EvidenceFile
from schemas.casework.inputs import (
    TOLD_BY_SYSTEM,
    Erase,
    EvidenceReport,
    FraudReport,
    Hold,
    HoldChange,
    OfficerReport,
    PaymentReport,
    PlaceReport,
    PolicyChange,
    VictimReport,
    VisitStage,
)
from schemas.casework.reported import ReportedPayment
from schemas.casework.searches import PlaceState
from schemas.levels import Action, Channel, Outcome
from schemas.people.residents import ReportSource
from schemas.people.staff import StaffRole
from schemas.risk.reported_frauds import MatchedBy, MatchStrength
from schemas.risk.signals import TransferState
from streams.screening.evaluation import profile_of
from tests.simulation.reports.desk import OFFICERS, REASON, SEARCHES
from tests.simulation.reports.seen import SeenCase, pick

_STAGES = tuple(stage for stage in VisitStage if stage not in TOLD_BY_SYSTEM)
_OUTCOMES = (Outcome.DISSUADED, Outcome.NOT_PERSUADED, Outcome.ALREADY_DEFRAUDED, Outcome.FALSE_ALARM)


def victim_reports(seen: SeenCase) -> list[VictimReport]:
    """The resident has lost money, perhaps by one of the payments."""
    random = seen.random()
    paid = pick(random, seen.paid()) if random.random() < 0.5 else None
    amount = paid.amount_fen if paid else 1_500_000
    transfer = paid.transfer if paid else None
    name = f"victim:{seen.n}:{seen.resident.id}"
    return [VictimReport(id=name, at=seen.now, resident=seen.resident.id, amount_fen=amount, transfer=transfer)]


def fraud_reports(seen: SeenCase) -> list[FraudReport]:
    """The police's records have a fraud of the resident, perhaps one that is known, in a later version."""
    random = seen.random()
    return [
        FraudReport(
            id=f"fraud:{seen.n}:{seen.resident.id}",
            at=seen.now,
            resident=seen.resident.id,
            record=f"police:A{seen.n % 2}",
            version=1 + seen.n % 3,
            happened_at=seen.now - timedelta(minutes=random.choice((1, 600, 200_000))),
            reported_at=seen.now,
            loss_fen=random.choice((None, 0, 900_000)),
            dated=True,
            by=MatchedBy.ID_NUMBER,
            strength=MatchStrength.CERTAIN,
            withdrawn=random.random() < 0.2,
        )
    ]


def payment_reports(seen: SeenCase) -> list[PaymentReport]:
    """A victim, or somebody for them, tells an operator of a payment."""
    name = f"payment:{seen.n}:{seen.resident.id}"
    payment = Payment(
        transfer=name,
        payee=f"a{seen.n % 4:032x}",
        amount_fen=800_000,
        at=seen.now - timedelta(minutes=5),
        state=TransferState.SETTLED,
        reported=ReportedPayment(source=ReportSource.HOTLINE, report=name, told_in=name),
    )
    return [
        PaymentReport(
            id=name,
            at=seen.now,
            resident=seen.resident.id,
            by="operator-1",
            role=StaffRole.OPERATOR,
            payment=payment if seen.random().random() < 0.8 else None,
            profile=profile_of(seen.resident, seen.now),
            note=REASON,
        )
    ]


def officer_reports(seen: SeenCase) -> list[OfficerReport]:
    """An officer's report on a visit; none before one was planned."""
    steps = seen.steps(Action.VISIT)
    steps = [step for step in steps if not step.id.startswith("clock.")]
    if seen.case is None or not steps:
        return []
    random = seen.random()
    step, stage = random.choice(steps), random.choice(_STAGES)
    done = stage is VisitStage.DONE and random.random() < 0.8
    dispatch = seen.dispatch(step, Channel.VISIT)
    return [
        OfficerReport(
            id=f"{dispatch}:{stage.value}:{seen.n}",
            at=seen.now,
            resident=seen.case.resident,
            case=seen.case.id,
            by=random.choice(OFFICERS),
            dispatch=dispatch,
            step=step.id,
            attempt=step.attempt,
            stage=stage,
            outcome=OutcomeAct(outcome=random.choice(_OUTCOMES)) if done else None,
        )
    ]


def place_reports(seen: SeenCase) -> list[PlaceReport]:
    """An officer's report on a place of a search, perhaps of a search that there is not."""
    if seen.case is None:
        return []
    random = seen.random()
    search = str(pick(random, [each.id for each in seen.case.searches], random.choice(SEARCHES)))
    state = random.choice((PlaceState.NOT_THERE, PlaceState.NOT_THERE, PlaceState.NOT_LOOKED, PlaceState.FOUND))
    found = state is PlaceState.FOUND and random.random() < 0.5
    return [
        PlaceReport(
            id=f"place:{seen.n}:{seen.case.id}",
            at=seen.now,
            resident=seen.case.resident,
            case=seen.case.id,
            by=random.choice(OFFICERS),
            search=search,
            number=random.choice(("p1", "p2")),
            state=state,
            outcome=OutcomeAct(outcome=random.choice(_OUTCOMES)) if found else None,
        )
    ]


def evidence_reports(seen: SeenCase) -> list[EvidenceReport]:
    """Somebody added a picture to the case."""
    if seen.case is None:
        return []
    name, by = seen.hashed("file"), "operator-1"
    file = EvidenceFile(id=name, at=seen.now, by=by, original=f"{seen.n:064x}", written_ms=0)
    told = {"id": f"evidence:{name}", "at": seen.now, "resident": seen.case.resident, "case": seen.case.id}
    return [EvidenceReport.model_validate({**told, "by": by, "files": [file]})]


def erasures(seen: SeenCase) -> list[Erase]:
    """The resident's data are to be erased; the case refuses it unless it is closed."""
    return [Erase(id=f"erase:{seen.n}:{seen.resident.id}", at=seen.now, resident=seen.resident.id, by="supervisor-1")]


def hold_changes(seen: SeenCase) -> list[HoldChange]:
    """A hold on contacts begins for some seconds, or is lifted."""
    random = seen.random()
    hold = Hold(
        id=f"hold-{seen.n % 2}",
        until=seen.now + timedelta(seconds=random.randrange(1, 9)),
        reason=REASON,
        by="supervisor-1",
        spare_red=random.random() < 0.3,
        channel=random.choice((None, Channel.SMS, Channel.PHONE)),
    )
    lift = random.choice((None, None, "release", "drop"))
    return [HoldChange.model_validate({"id": f"hold:{seen.n}", "at": seen.now, "hold": hold, "lift": lift})]


def policy_changes(seen: SeenCase) -> list[PolicyChange]:
    """The policy in force is put in force again, which is an entry of its own."""
    return [PolicyChange(id=f"policy:{seen.n}", at=seen.now, policy=seen.policy, by="supervisor-1")]
