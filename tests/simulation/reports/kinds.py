"""All kinds of reports that a schedule can draw, by name; and those that no schedule draws, each with its reason."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from schemas.casework.inputs import BankState, CaseInput
from streams.messaging.topics import CASE_INPUTS, OUTSIDE_INPUTS, Topic
from tests.simulation.reports import inside, outside
from tests.simulation.reports.desk import ACTS, act_reports
from tests.simulation.reports.seen import SeenCase

Maker = Callable[[SeenCase], Iterable[CaseInput]]

BANK_ANSWERS: Mapping[str, Maker] = {
    f"bank_{state.value}": partial(outside.bank_feedbacks, state=state) for state in BankState
}
FROM_OUTSIDE: Mapping[str, Maker] = {
    **BANK_ANSWERS,
    "unasked_answer": outside.unasked_answers,
    "unsent_receipt": outside.unsent_receipts,
    "own_hold_answer": outside.own_hold_answers,
    "object_stop": outside.stop_objections,
    "resident_reply": outside.resident_replies,
    "take_over": outside.take_overs,
}
FROM_INSIDE: Mapping[str, Maker] = {
    "victim_report": inside.victim_reports,
    "fraud_report": inside.fraud_reports,
    "payment_report": inside.payment_reports,
    "officer_report": inside.officer_reports,
    "place_report": inside.place_reports,
    "evidence_report": inside.evidence_reports,
    "erase": inside.erasures,
    "hold_change": inside.hold_changes,
    "policy_change": inside.policy_changes,
}
BY_PERSONS: Mapping[str, Maker] = {name: partial(act_reports, act=name) for name in ACTS}
REPORTS: Mapping[str, Maker] = {**FROM_OUTSIDE, **FROM_INSIDE, **BY_PERSONS}
EVERY_PARTITION = ("hold_change", "policy_change")

NOT_DRAWN: Mapping[str, str] = {
    "alert": "the workers' screening writes it, from the signals that are drawn",
    "deadline": "the workers' timers write it, when what was decided falls due",
}
"""Kind of an input, or name of an act, that no report draws -> why."""


def topic_for(kind: str) -> Topic:
    """The topic to which a report goes: parties outside write to another one than the console."""
    return OUTSIDE_INPUTS if kind in FROM_OUTSIDE else CASE_INPUTS
