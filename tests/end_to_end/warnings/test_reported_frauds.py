"""Fraud after a warning, from the police's own records."""

from datetime import timedelta

from schemas.casework.acts import CloseAct, OutcomeAct
from schemas.casework.cases import CaseState
from schemas.levels import Action, Outcome
from schemas.people.residents import Resident
from schemas.risk.reported_frauds import ReportedFraud, UnmatchedReason
from streams.intake.reported_frauds import write_frauds
from streams.monitoring.after_warning import read_after_warning
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call


async def report(line: Line, resident: Resident, name: str, **fields: object) -> None:
    """Let the police report a fraud of now, with the resident's telephone and name."""
    now = line.house.clock.now()
    known = {"source": "police", "id": name, "reported_at": now, "happened_to": now}
    who = {"phone": resident.phones[0].value, "name": resident.name}
    record = ReportedFraud.model_validate(known | who | fields)
    settings = line.house.settings
    await write_frauds(line.house.line.producer, [record], settings.partitions)

    async def matched() -> bool:
        found = await line.house.line.fraud_matches.get(record.uid)
        return found is not None and found.version == record.version

    await until(matched, 20)
    await line.settle()


async def test_a_fraud_that_the_police_record_after_the_case_was_closed_counts_against_the_warning(line: Line) -> None:
    resident = await line.resident()
    await line.signal(call(line, resident))
    await line.dissuade(resident)
    await line.operator(resident, CloseAct(reason="settled"))
    await line.advance(days=3)
    await report(line, resident, "A1", loss_fen=80_000)
    await report(line, resident, "A1", loss_fen=80_000)
    case = await line.case(resident)
    assert case.state is CaseState.CLOSED
    [fraud] = case.frauds
    assert fraud.loss_fen == 80_000
    assert fraud.after_warning_days is not None
    assert timedelta(days=3) <= timedelta(days=fraud.after_warning_days) < timedelta(days=4)
    assert Action.OPERATOR_CALL in {each.action for each in case.warnings}
    installation, later = line.house.line, line.house.clock.now() + timedelta(days=91)
    found = await read_after_warning(installation.settings, installation.fraud_matches, later)
    rows = {(row.dimension, row.value): row for row in found.rows}
    assert all(share.k >= 1 for share in rows["channel", "phone"].within)
    assert found.records.after_warning >= 1
    assert found.week.at_the_time >= 1


async def test_a_fraud_of_somebody_who_was_not_warned_changes_no_case(line: Line) -> None:
    resident = await line.resident()
    await report(line, resident, "A2")
    assert await line.no_case(resident)
    stranger = (await line.resident()).model_copy(update={"name": "无名氏"})
    await report(line, stranger, "A3")
    found = await line.house.line.fraud_matches.get("police:A3")
    assert found is not None
    assert found.why is UnmatchedReason.OTHER_NAME


async def test_an_open_case_ends_as_already_defrauded(line: Line) -> None:
    resident = await line.resident()
    await line.signal(call(line, resident))
    await line.operator(resident, OutcomeAct(outcome=Outcome.NOT_PERSUADED))
    await line.advance(hours=1)
    await report(line, resident, "A4")
    assert (await line.case(resident)).state is CaseState.ALREADY_DEFRAUDED
