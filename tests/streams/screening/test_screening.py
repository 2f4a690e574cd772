"""From signals on the topic to alerts for casework, on a real Kafka and Redis; every signal counted once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition

from domain.identity.entries import merge
from schemas.risk.evidence import EvidenceKind
from schemas.risk.signals import NumberClass, SentAgain, TransferState, Watch, WatchState
from streams.messaging import topics
from streams.messaging.record import Raw
from streams.screening import lanes
from streams.screening.positions import STAND
from streams.state.keys import key
from streams.state.partition_state import AheadError
from tests.streams.screening.screening_line import (
    ACCOUNTS,
    ANNA,
    BERT,
    BULK,
    MULE,
    NOW,
    PHONES,
    Line,
    call,
    minutes_ago,
    packed,
    report,
    resident,
    running,
    sms,
    transfer,
    watch,
    wiping,
)

ORDINARY = NumberClass.ORDINARY


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        yield line


async def test_a_scam_call_alerts_casework_once_and_ordinary_life_does_not(line: Line) -> None:
    await line.screen([call(), call(BERT, "c2", number_class=ORDINARY), transfer(BERT, payee="990000000777")])
    (alert,) = await line.alerts()
    assert (alert.resident, alert.danger.level) == (ANNA, "blue")
    assert alert.profile.birth_year == 1980
    assert await line.tally() == {"raised": 1, "below_threshold": 2}
    await line.screen([sms(ago=9)], [call(uid="c3", ago=8)])
    assert await line.levels() == ["blue", "yellow"]


async def test_an_alert_has_the_same_token_for_all_of_a_household_and_no_address(line: Line) -> None:
    await line.screen([call(), call(BERT, "c2")])
    anna, bert = sorted(await line.alerts(), key=lambda alert: alert.resident)
    assert anna.household is not None
    assert (anna.resident, bert.resident, anna.household) == (ANNA, BERT, bert.household)
    assert "测试路" not in anna.model_dump_json()


async def test_evidence_fuses_over_kinds_and_batches(line: Line) -> None:
    await line.screen([call(ongoing=True)])
    await line.screen([transfer(new_payee=True, state=TransferState.PENDING)])
    last = (await line.alerts())[-1]
    assert last.danger.level == "red"
    assert [payment.transfer for payment in last.payments] == ["bank:t1"]
    assert last.danger.call_since == minutes_ago(10)


async def test_nobody_s_number_is_unmatched_and_never_an_alert(line: Line) -> None:
    await line.screen([sms("+8619900000099"), sms("no number", "s2")])
    assert await line.tally() == {"unmatched": 2}
    assert await line.alerts() == []


async def test_confirming_a_mule_raises_who_paid_it_before_and_who_pays_it_after_alike(line: Line) -> None:
    await line.screen([transfer(ANNA, "t1")], partition=0)
    await line.screen([watch()], partition=1)
    await line.screen([transfer(BERT, "t2")], partition=2)
    before, after = (await line.evidence(ANNA))["bank:t1~suspect_payee"], await line.evidence(BERT)
    late = after["bank:t2~suspect_payee"]
    same = {"id": "", "transfer": "", "partition": 0}
    assert before.model_copy(update=same) == late.model_copy(update=same)
    alerts = await line.alerts()
    assert {alert.resident: alert.danger.level for alert in alerts} == {ANNA: "orange", BERT: "orange"}
    assert {alert.danger.campaign for alert in alerts} == {before.campaign}
    assert MULE not in "".join(alert.model_dump_json() for alert in alerts)


async def test_who_pays_somebody_new_every_few_hours_is_red_all_the_same_when_it_is_a_mule(line: Line) -> None:
    new: dict[str, Any] = {"new_payee": True, "balance_fen": 4_000_000}
    payees = [f"99000000{number:04d}" for number in range(1000, 1000 + 3 * line.policy.risk.bound)]
    paid = [transfer(uid=f"t{n}", ago=300 + 120 * n, payee=payee, **new) for n, payee in enumerate(payees)]
    await line.screen(paid)
    assert await line.levels() == []
    await line.screen([watch(ago=2)], [transfer(uid="scam", state=TransferState.PENDING)])
    assert await line.levels() == ["red"]


async def test_who_paid_and_was_merged_into_another_entry_since_is_raised_as_that_entry(line: Line) -> None:
    """Only the old id stands among the account's payers."""
    await line.screen([transfer(ANNA)])
    await line.residents.put(merge(resident(BERT), resident(ANNA), NOW))
    await line.screen([watch()])
    assert [alert.resident for alert in await line.alerts()] == [BERT]


async def test_the_fan_out_comes_to_the_same_in_one_record_in_either_order(line: Line) -> None:
    other = "990000000667"
    await line.screen([transfer(uid="t1"), watch()])
    await line.screen([watch("w2", value=other), transfer(uid="t2", payee=other)])
    found = await line.evidence()
    assert {member.kind for member in found.values()} == {EvidenceKind.SUSPECT_PAYEE}
    assert {member.transfer for member in found.values()} == {"bank:t1", "bank:t2"}
    assert (await line.tally()) == {"below_threshold": 1, "raised": 3}


async def test_a_payment_from_before_the_window_is_not_raised_in_either_order(line: Line) -> None:
    old = 60 * 73
    await line.screen([transfer(ANNA, "t1", ago=old)])
    await line.screen([watch(ago=1)])
    await line.screen([transfer(BERT, "t2", ago=old)])
    assert await line.alerts() == []


async def test_lifting_a_suspect_takes_its_evidence_back(line: Line) -> None:
    await line.screen([transfer(), watch(ago=3)])
    await line.screen([watch("w2", ago=1, state=WatchState.LIFTED)])
    assert all(member.withdrawn for member in (await line.evidence()).values())
    await line.screen([watch("w0", ago=2)])  # an older confirmation that comes late changes nothing
    assert all(member.withdrawn for member in (await line.evidence()).values())


async def test_a_report_raises_its_reporter_and_weakly_who_paid_the_suspect(line: Line) -> None:
    await line.screen([transfer(BERT)])
    await line.screen([report(ANNA, MULE)])
    assert (await line.levels(ANNA), await line.levels(BERT)) == (["yellow"], ["yellow"])


async def test_calling_a_suspect_number_raises_the_caller(line: Line) -> None:
    suspect = "+8619900000066"
    mine = call(uid="c1", number_class=ORDINARY, caller=PHONES[BERT], called=suspect)
    await line.screen([watch(value=suspect, subject="phone")])
    await line.screen([mine])
    assert (await line.levels(ANNA), await line.levels(BERT)) == ([], ["yellow"])


async def test_the_account_behind_a_token_is_kept_for_the_stop_payment(line: Line) -> None:
    await line.screen([transfer(new_payee=True)])
    (member,) = (await line.evidence()).values()
    kept = [await line.redis.hgetall(key("accounts-by-token", q)) for q in range(line.settings.partitions)]
    assert {token.decode(): raw.decode() for each in kept for token, raw in each.items()} == {member.payee: MULE}


async def test_the_same_signal_from_another_record_is_a_duplicate(line: Line) -> None:
    await line.screen([call()], [call()])
    await line.screen([call()], partition=1)
    await line.screen([watch()])
    await line.screen([watch()])
    assert await line.tally() == {"raised": 1, "duplicate": 3, "below_threshold": 1}
    assert await line.levels() == ["blue"]


async def test_a_call_in_one_lane_and_a_payment_in_the_other_are_red_together_in_either_order(line: Line) -> None:
    ringing = call(ago=4, number_class=NumberClass.SPOOFED)
    moving = transfer(ago=1, new_payee=True, state=TransferState.ATTEMPTED)
    await line.screen([ringing])
    await line.screen([moving], lane=topics.SIGNALS_URGENT)
    assert await line.levels() == ["blue", "red"]
    await line.screen([call(BERT, ago=4, uid="c2", number_class=NumberClass.SPOOFED)], lane=topics.SIGNALS_URGENT)
    payment = transfer(BERT, "t2", ago=1, new_payee=True, state=TransferState.ATTEMPTED)
    await line.screen([payment])
    assert await line.levels(BERT) == ["blue", "red"]


async def test_each_lane_is_counted_once_and_the_same_signal_in_both_is_a_duplicate(line: Line) -> None:
    raws = await line.screen([call()])
    urgent = await line.screen([call()], lane=topics.SIGNALS_URGENT)
    await line.screening.lanes.screen(BULK, raws)
    await line.screening.lanes.screen(TopicPartition(topics.SIGNALS_URGENT.name, 0), urgent)
    assert await line.tally() == {"raised": 1, "duplicate": 1}


async def test_a_lost_store_is_screened_again_from_both_lanes(line: Line) -> None:
    await line.screen([call()], [sms(BERT)])
    await line.screen([transfer(ago=1)], [watch()], lane=topics.SIGNALS_URGENT)
    before = (await line.tally(), await line.evidence(), await line.evidence(BERT))
    await line.lose()
    await line.screen_owed()
    assert (await line.tally(), await line.evidence(), await line.evidence(BERT)) == before


async def test_a_call_told_again_with_its_end_is_news_and_no_duplicate(line: Line) -> None:
    await line.screen([call(ongoing=True)], [call(seconds=40 * 60, ago=40)])
    assert (await line.tally()) == {"raised": 2}
    (member,) = (await line.evidence()).values()
    assert (member.seconds, member.ongoing) == (2400, False)


async def test_a_record_delivered_again_is_not_counted_again(line: Line) -> None:
    raws = await line.screen([call()], [sms()])
    await line.screening.lanes.screen(BULK, raws)
    await line.another().lanes.screen(BULK, raws[1:])
    assert await line.tally() == {"raised": 2}


async def test_a_record_screened_again_before_it_was_counted_gives_the_same_alerts_and_tally(line: Line) -> None:
    raws = await line.write(packed(call()), packed(call()), packed(transfer(), watch()))
    await line.screening.lanes.screen(BULK, raws)
    told = await line.alerts()
    for name in ("screened", "tally"):
        await line.redis.delete(key(name, 0))
    await line.another().lanes.screen(BULK, raws)
    assert await line.alerts() == told
    assert await line.tally() == {"raised": 3, "duplicate": 1}


async def test_a_wiped_store_is_screened_again_to_the_same_evidence_tally_and_alerts(line: Line) -> None:
    await line.screen([call()], [sms(), transfer()], [call()])
    await line.screen([watch()], b"broken", [sms(BERT, "s2"), sms("+8619900000099", "s3")])
    tally, evidence, alerts = await line.tally(), await line.evidence(), await line.alerts()
    assert sum(tally.values()) == 8
    await line.lose()
    await line.screen_owed()
    assert (await line.tally(), await line.evidence(), await line.alerts()) == (tally, evidence, alerts)


def listed_later() -> Watch:
    """An entry that was made before the payments of these tests, and came after them: its time tells no order."""
    return watch(ago=5).model_copy(update={"arrived": minutes_ago(1)})


async def test_a_payment_counted_again_is_what_it_was_though_its_payee_was_listed_later(line: Line) -> None:
    await line.screen([transfer(new_payee=True, ago=4)], [call(ago=3)], [listed_later()])
    before = await line.tally(), await line.evidence(), await line.alerts()
    assert before[0] == {"below_threshold": 1, "raised": 2}
    await line.lose()
    await line.screen_owed()
    assert (await line.tally(), await line.evidence(), await line.alerts()) == before


async def test_counted_again_a_payment_and_its_payee_s_entry_on_another_lane_may_both_be_raised(line: Line) -> None:
    """Which of two lanes was screened first is written nowhere; nothing else is shifted, and nothing is lost."""
    await line.screen([transfer(ago=4)], lane=topics.SIGNALS_URGENT)
    await line.screen([listed_later()])
    evidence = await line.evidence()
    assert await line.tally() == {"below_threshold": 1, "raised": 1}
    await line.lose()
    await line.screen_owed()
    assert (await line.tally(), await line.evidence()) == ({"raised": 2}, evidence)


async def test_a_payment_not_back_among_the_payers_is_told_of_an_entry_that_came_meanwhile(line: Line) -> None:
    await line.screen([transfer()])
    await line.lose()
    await line.screen([watch()])
    assert await line.evidence() == {}
    await line.screen_owed()
    assert {member.kind for member in (await line.evidence()).values()} == {EvidenceKind.SUSPECT_PAYEE}
    assert (await line.tally())["below_threshold"] == 2


async def test_a_store_wiped_between_two_records_is_whole_again_with_the_next(line: Line) -> None:
    await line.screen([call()], [call()])
    await line.redis.flushall()
    await line.screen([sms()])
    await line.screen_owed()
    assert await line.tally() == {"raised": 2, "duplicate": 1}
    assert await line.levels() == ["blue", "yellow"]


@pytest.mark.parametrize("before", [True, False])
async def test_a_store_wiped_while_a_partition_takes_its_stand_loses_no_signal(line: Line, before: bool) -> None:
    """Nobody is in the register then, and every signal would pass for unmatched."""
    await line.redis.flushall()
    raws = await line.write(packed(call()))
    async with wiping(line, STAND.encode(), before=before) as worker:
        await worker.lanes.screen(BULK, raws)
    assert await line.tally() == {"raised": 1}


async def test_an_older_store_is_brought_up_with_what_it_has_not_seen(line: Line) -> None:
    await line.screen([call()])
    await line.redis.set(key("screened", 0), 0)
    await line.write(packed(sms(BERT)), packed(sms(BERT, "s2")))
    await line.screen([sms(BERT, "s3")])
    assert await line.tally() == {"raised": 4}


async def test_a_store_ahead_of_the_log_stops_the_worker_instead_of_skipping(line: Line) -> None:
    (raw,) = await line.write(packed(call()))
    await line.redis.set(key("screened", 0), 99)
    with pytest.raises(AheadError, match="ends at 0"):
        await line.screening.lanes.screen(BULK, [raw])


async def test_records_of_a_topic_that_was_made_anew_are_not_taken_for_those_that_came_again_before(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = await line.screen([call()], [sms()])
    await line.screening.lanes.screen(BULK, raws)  # they come again: after a rebalance, say

    async def made_anew(*_: object) -> dict[int, int]:
        return {BULK.partition: 1}

    monkeypatch.setattr(lanes, "end_offsets", made_anew)
    with pytest.raises(AheadError, match="ends at 0"):
        await line.screening.lanes.screen(BULK, [Raw(0, packed(call(uid="c2")))])


async def test_what_cannot_be_read_goes_to_the_dead_letters_and_the_rest_passes(line: Line) -> None:
    good, bad = call().model_dump_json(), '{"source": "carrier", "kind": "call", "id": "c9"}'
    alone = sms().model_dump_json().encode()
    await line.screen(f"[{good}, {bad}, 7]".encode(), b"not json", alone, packed(watch(value="?")))
    assert await line.tally() == {"raised": 2, "dead_lettered": 4}
    tallies = await line.screening.state.tallies()
    assert tallies["carrier"] == {"raised": 2, "dead_lettered": 1}
    where = [letter["where"] for letter in await line.dead_letters()]
    assert [(place["offset"], place["item"]) for place in where] == [(0, 1), (0, 2), (1, None), (3, 0)]


async def test_a_call_that_passes_30_minutes_is_alerted_without_another_signal(line: Line) -> None:
    await line.screen([call(ago=10, ongoing=True)])
    for minutes in (19, 20, 21):
        for partition in range(line.settings.partitions):
            await line.screening.rescore(partition, NOW + timedelta(minutes=minutes))
    assert await line.levels() == ["yellow", "orange"]


async def test_who_was_merged_while_a_call_went_on_does_not_hold_the_others_up(line: Line) -> None:
    await line.screen([call(ANNA, ago=10, ongoing=True), call(BERT, "c2", ago=10, ongoing=True)])
    await line.residents.put(merge(resident(BERT), resident(ANNA), NOW))
    for partition in range(line.settings.partitions):
        await line.screening.rescore(partition, NOW + timedelta(minutes=21))
    assert (BERT, "orange") in {(alert.resident, alert.danger.level) for alert in await line.alerts()}


async def test_what_came_before_a_settled_case_is_not_alerted_again(line: Line) -> None:
    await line.screen([call(ago=30)])
    await line.settle(NOW)
    await line.screen([call(uid="c2", ago=29)])
    assert await line.levels() == ["blue"]


async def test_accounts_and_telephones_leave_the_signals_as_tokens_only(line: Line) -> None:
    await line.screen([transfer(), watch(), call(), transfer(uid="t2", new_payee=True)])
    keys = [name async for name in line.redis.scan_iter("evidence:*")] + [
        name async for name in line.redis.scan_iter("watch:*")
    ]
    held = b"".join([repr(await line.redis.hgetall(name)).encode() for name in keys])
    for number in (MULE, ACCOUNTS[ANNA], PHONES[ANNA]):
        assert number.encode() not in held


async def test_an_empty_batch_of_bytes_is_a_dead_letter(line: Line) -> None:
    await line.screening.lanes.screen(BULK, [Raw(0, (await line.write(b""))[0].value)])
    assert await line.tally() == {"dead_lettered": 1}


async def test_a_suspect_that_a_source_without_the_right_confirms_on_kafka_is_a_dead_letter_and_not_listed(
    line: Line,
) -> None:
    forged = watch().model_copy(update={"source": "bank"})
    await line.screen([transfer(ANNA, "t1"), forged, watch("w2", value="6200000000000077")])
    assert await line.tally() == {"below_threshold": 2, "dead_lettered": 1}
    (letter,) = await line.dead_letters()
    assert (letter["source"], letter["where"]["item"]) == ("bank", 1)
    assert letter["why"].startswith("this source may not confirm a suspect. Send a report")
    await line.screen([transfer(BERT, "t2")])
    assert (await line.alerts(), await line.evidence(BERT)) == ([], {})


async def test_a_forged_letter_that_is_sent_again_on_kafka_confirms_nobody_and_changes_no_other_count(
    line: Line,
) -> None:
    forged = watch().model_copy(update={"source": "bank"})
    again = SentAgain(letter="0" * 32, tallied="police", signals=[forged]).model_dump_json().encode()
    await line.screen(again, again)
    assert await line.tally() == {"dead_lettered": 2}
    assert {letter["source"] for letter in await line.dead_letters()} == {"unknown"}


async def test_what_a_source_may_not_send_stays_refused_after_redis_was_lost(line: Line) -> None:
    await line.screen([watch().model_copy(update={"source": "bank"}), transfer(ANNA, "t1")])
    told = await line.tally()
    await line.lose()
    await line.screen_owed()
    assert (await line.tally(), await line.evidence(ANNA)) == (told, {})
