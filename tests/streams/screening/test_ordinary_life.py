"""Ordinary life becomes no finding: what comes of a record is what comes of it when each of its signals is one."""

from collections import Counter
from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from schemas.casework.inputs import Alert
from schemas.people.residents import ResidentId
from schemas.risk.evidence import Evidence
from schemas.risk.signals import NumberClass, Signal, TransferState, WatchState
from simulators.world.memory import Register, Suspects, finished
from streams.screening import matching
from streams.screening.evaluation import RiskEvaluator
from streams.screening.records import Item, ReadBatch
from streams.screening.store import Known
from streams.screening.subjects import Subjects
from tests.domain.risk.riskworld import RULES
from tests.streams.screening.screening_line import ANNA, BERT, MULE, NOW, call, report, resident, sms, transfer, watch

LANE = TopicPartition("signals", 0)
CALLER, STRANGER = "+85290000000", "+8613000000000"

who = st.sampled_from([ANNA, BERT])
uids = st.sampled_from("abcd")
classes = st.sampled_from(NumberClass)
states = st.sampled_from(TransferState)
signals = st.one_of(
    st.builds(call, who, uids, number_class=classes, called=st.sampled_from([CALLER, STRANGER])),
    st.builds(call, who, uids, number_class=classes, ongoing=st.booleans()),
    st.builds(sms, st.sampled_from([ANNA, STRANGER]), uids),
    st.builds(transfer, who, uids, state=states, new_payee=st.booleans(), amount_fen=st.sampled_from([1, 9_000_000])),
    st.builds(watch, uids, state=st.sampled_from(WatchState)),
    st.builds(watch, uids, state=st.sampled_from(WatchState), value=st.just(CALLER), subject=st.just("phone")),
    st.builds(report, who, st.sampled_from([MULE, None])),
)

Outcome = tuple[list[Alert], Counter[str], dict[ResidentId, dict[str, Evidence]], dict[str, str]]


def screened(records: Sequence[Sequence[Signal]]) -> Outcome:
    """Alerts, tally, evidence and accounts after these records, each a batch of its own."""
    people = [resident(ANNA), resident(BERT)]
    matcher = matching.Matcher(Register(people), Suspects(), Subjects(bytes(32)))
    known = {each.id: Known() for each in people}
    evaluator = RiskEvaluator(known, {each.id: each for each in people}, RULES, NOW)
    tally = evaluator.result.tally
    accounts: dict[str, str] = {}
    for offset, record in enumerate(records):
        items = [Item(offset, number, signal) for number, signal in enumerate(record)]
        matched = finished(matcher.match(LANE, ReadBatch([(offset, items)], [], Counter(), {}), RULES, NOW))
        accounts |= matched.accounts
        tally.update(matched.tally)
        for found in matched.records:
            evaluator.evaluate(LANE, found)
    return evaluator.result.alerts, tally, {name: each.evidence for name, each in known.items()}, accounts


@given(st.lists(st.lists(signals, min_size=1, max_size=6), max_size=5))
def test_what_becomes_no_finding_would_have_changed_nothing(records: list[list[Signal]]) -> None:
    found = screened(records)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(matching, "_speaks", lambda *_: True)
        assert screened(records) == found
    assert found[1].total() == sum(map(len, records))
