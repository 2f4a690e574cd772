"""The gateway's journal: what it says after a process has died, and what it keeps."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from domain.carriers.delivered_share import DeliveryCounts, DeliveryRecord, message_kind
from domain.carriers.outcome import SegmentState
from schemas.channels.receipts import SmsState
from streams.gateways.nonces import claim_nonce, forget_nonces
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms.journal import FILE, Journal
from streams.gateways.sms.journal_shares import delivery_record
from streams.gateways.sms.journal_steps import Outbound, UnreportedResult
from streams.runtime.settings import SettingsError

NOW = 1000.0
TEXT = "请勿转账".encode("utf-16-be")


def message(key: str = "d1:1:sms", segments: int = 1) -> Outbound:
    parts = tuple((number, TEXT) for number in range(1, segments + 1))
    return Outbound(key, "+86100000001", 8, False, parts, segments > 1, NOW + 600)


async def taken(journal: Journal, order: Outbound) -> bool:
    return await journal.run(partial(steps.take, order=order, now=NOW))


async def claimed(journal: Journal, nonce: str, dispatch: str, at: float = NOW) -> bool:
    return await journal.run(partial(claim_nonce, nonce=nonce, dispatch=dispatch, at=at))


async def sending(journal: Journal, order: Outbound, carrier: str = "c0") -> None:
    await taken(journal, order)
    numbers = [number for number, _ in order.segments]
    await journal.run(partial(steps.intend, message=order.id, numbers=numbers, carrier=carrier))


async def sent(journal: Journal, number: int = 1, remote: str = "A1") -> bool:
    note = partial(
        steps.sent, message="d1:1:sms", number=number, named=remote.lower(), remote=remote, now=NOW, ask_at=NOW + 300
    )
    return await journal.run(note)


async def receipt(journal: Journal, state: SmsState, remote: str = "A1", carrier: str = "c0") -> bool:
    note = partial(steps.receive, carrier=carrier, remote=remote, state=state, word="DELIVRD", now=NOW)
    return await journal.run(note)


async def untold(journal: Journal, now: float = NOW) -> list[UnreportedResult]:
    return await journal.run(partial(steps.unreported_results, now=now, most=10, without=()))


def on_disk(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


async def test_what_was_being_sent_when_the_process_died_is_in_doubt_and_never_waits_again(tmp_path: Path) -> None:
    before = Journal(tmp_path)
    await sending(before, message(segments=2))
    await sent(before)
    await taken(before, message("d2:1:sms"))
    await before.close()
    after = Journal(tmp_path)
    assert await after.run(partial(steps.interrupted, now=NOW)) == 1
    assert await after.run(partial(steps.states, message="d1:1:sms")) == [SegmentState.SENT, SegmentState.DOUBT]
    assert [each.id for each in await after.run(steps.waiting)] == ["d2:1:sms"]
    assert await after.run(steps.in_doubt) == 1
    await after.close()


async def test_a_segment_that_does_not_wait_is_not_sent_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await sending(journal, message())
    with pytest.raises(RuntimeError, match="does not wait"):
        await journal.run(partial(steps.intend, message="d1:1:sms", numbers=[1], carrier="c1"))
    await journal.close()


async def test_an_order_is_taken_once_and_the_nonce_of_each_attempt_serves_no_other(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert await taken(journal, message())
    assert not await taken(journal, message())
    assert [await claimed(journal, each, "d1") for each in ("n1", "n2", "n1")] == [True, True, True]
    assert [await claimed(journal, each, "d2") for each in ("n1", "n2", "n3")] == [False, False, True]
    await journal.close()
    again = Journal(tmp_path)
    assert not await claimed(again, "n2", "d2")
    await again.close()


async def test_a_nonce_is_forgotten_only_after_its_signature_is_too_old(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert await claimed(journal, "n", "d1", 1_000.0)
    assert await journal.run(partial(forget_nonces, before=1_000.0)) == 0
    assert not await claimed(journal, "n", "d2", 1_001.0)
    assert await journal.run(partial(forget_nonces, before=1_001.0)) == 1
    assert await claimed(journal, "n", "d2", 1_002.0)
    await journal.close()


async def test_a_receipt_that_comes_before_the_answer_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await sending(journal, message())
    assert not await receipt(journal, SmsState.DELIVERED)
    assert await untold(journal) == []
    assert await sent(journal)
    assert await untold(journal) == [UnreportedResult("d1:1:sms", SmsState.DELIVERED, "DELIVRD")]
    await journal.close()


async def test_a_receipt_of_another_carrier_with_the_same_id_does_not_count(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await sending(journal, message())
    await sent(journal)
    assert not await receipt(journal, SmsState.DELIVERED, carrier="c1")
    assert await untold(journal) == []
    await journal.close()


async def test_a_result_is_told_until_it_is_accepted_and_a_late_delivery_is_told_too(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await sending(journal, message())
    await sent(journal)
    await receipt(journal, SmsState.UNDELIVERED)
    (first,) = await untold(journal)
    await journal.run(partial(steps.postpone, told=first, until=NOW + 3))
    assert (await untold(journal), await untold(journal, NOW + 3)) == ([], [first])
    await journal.run(partial(steps.mark_reported, told=first))
    assert await untold(journal, NOW + 3) == []
    await receipt(journal, SmsState.UNDELIVERED)
    assert await untold(journal) == []
    await receipt(journal, SmsState.DELIVERED)
    assert [each.result for each in await untold(journal)] == [SmsState.DELIVERED]
    await journal.close()


async def test_a_missing_receipt_is_asked_for_and_not_after_it_has_come(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await sending(journal, message())
    await sent(journal)
    ask = partial(steps.questions, carrier="c0", again=600, most=10)
    assert await journal.run(partial(ask, carrier="c1", now=NOW + 300)) == []
    assert await journal.run(partial(ask, now=NOW + 299)) == []
    assert [each.named for each in await journal.run(partial(ask, now=NOW + 300))] == ["a1"]
    assert await journal.run(partial(ask, now=NOW + 301)) == []
    await receipt(journal, SmsState.DELIVERED)
    assert await journal.run(partial(ask, now=NOW + 2000)) == []
    await journal.close()


async def test_number_and_text_are_gone_from_the_disk_once_a_message_is_sent(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await sending(journal, message())
    await sent(journal)
    await journal.close()
    assert [found for found in on_disk(tmp_path) if TEXT in found or b"86100000001" in found] == []


async def test_what_is_old_is_forgotten_but_not_what_waits(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await sending(journal, message())
    await sent(journal)
    await taken(journal, message("d2:1:sms"))
    assert await journal.run(partial(steps.forget_before, before=NOW + 1)) == 1
    assert await journal.run(partial(steps.states, message="d1:1:sms")) == []
    assert await journal.run(partial(steps.states, message="d2:1:sms")) == [SegmentState.WAITING]
    await journal.close()


async def test_two_gateways_cannot_have_one_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(SettingsError, match="another gateway has this journal"):
        Journal(tmp_path)
    await journal.close()


async def test_a_change_that_fails_does_not_undo_those_beside_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    def broken(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM messages")
        raise ValueError("broken")

    found = await asyncio.gather(taken(journal, message()), journal.run(broken), return_exceptions=True)
    assert found[0] is True
    assert isinstance(found[1], ValueError)
    assert await journal.run(partial(steps.states, message="d1:1:sms")) == [SegmentState.WAITING]
    await journal.close()


async def test_the_journal_is_for_its_owner_only_and_flushes_to_the_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    assert await journal.run(lambda db: db.execute("PRAGMA synchronous").fetchone()[0]) == 2
    await journal.close()


async def test_what_a_carrier_delivers_is_counted_by_kind_once_and_outlives_the_message(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await sending(journal, message(segments=2))
    await sent(journal, 1, "A1")
    await sent(journal, 2, "A2")
    for state in (SmsState.UNDELIVERED, SmsState.DELIVERED, SmsState.DELIVERED):
        await receipt(journal, state, "A1")
    await receipt(journal, SmsState.UNDELIVERED, "A2")
    await journal.run(partial(steps.forget_before, before=NOW + 1))
    kind = message_kind("+86100000001", datetime.fromtimestamp(NOW, UTC))
    assert (await counted(journal, NOW)).counts == {("c0", kind): DeliveryCounts(2, 1)}
    assert (await counted(journal, NOW + 2 * 86_400)).counts == {("c0", kind): DeliveryCounts(1, 0.5)}
    await journal.close()


async def test_a_receipt_before_the_answer_counts_too(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await sending(journal, message())
    await receipt(journal, SmsState.DELIVERED)
    await sent(journal)
    assert [*(await counted(journal, NOW)).counts.values()] == [DeliveryCounts(1, 1)]
    await journal.close()


async def counted(journal: Journal, now: float) -> DeliveryRecord:
    return await journal.run(partial(delivery_record, now=now))
