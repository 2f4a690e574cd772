"""Confirmed suspects that their source marks go to their topic with their numbers; nothing else does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from schemas.risk.sharing import SharedSuspect, Tlp
from schemas.risk.signals import NumberVerdict, Watch, WatchState
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from tests.streams.screening.screening_line import (
    ACCOUNTS,
    ANNA,
    BULK,
    MULE,
    PHONES,
    Line,
    minutes_ago,
    on,
    report,
    transfer,
    watch,
)

POLICY = Path(__file__).parents[3] / "deploy/policy/jilin.toml"


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY.read_text("utf-8").replace("vendors = {}", "vendors = { liaoning = 0.8 }", 1), "utf-8")
    with Embedded(tmp_path) as servers:
        rights = "police:all,liaoning:rated,elsewhere:rated"
        async with on(servers.settings(Settings(app_id="screening", policy=policy, source_rights=rights))) as line:
            yield line


async def told(line: Line) -> list[SharedSuspect]:
    """All versions on the topic."""
    found = [record.value async for record in read_all(line.settings, topics.SHARED_SUSPECTS.name)]
    return [SharedSuspect.model_validate_json(value) for value in found if value]


def marked(
    uid: str,
    tlp: Tlp | None = Tlp.GREEN,
    ago: float = 60,
    value: str = MULE,
    subject: Literal["account", "phone", "link"] = "account",
) -> Watch:
    return watch(uid, ago, value=value, subject=subject).model_copy(update={"tlp": tlp})


def verdict(source: str = "liaoning", days: float = 30, ago: float = 60, uid: str = "v1") -> Watch:
    at = minutes_ago(ago)
    rating = {"state": WatchState.RATED, "verdict": NumberVerdict.SCAM, "until": at + timedelta(days=days)}
    return Watch.model_validate(
        {"source": source, "id": uid, "at": at, "subject": "account", "value": MULE, "confidence": 85, **rating}
    )


async def test_each_kind_of_marked_suspect_is_told_with_its_number_and_its_mark(line: Line) -> None:
    await line.screen(
        [
            marked("a"),
            marked("p", Tlp.AMBER, value="+8614200000009", subject="phone"),
            marked("l", Tlp.CLEAR, value="loan.example/now", subject="link"),
        ]
    )
    found = {each.suspect: each.tlp for each in await told(line)}
    assert found == {MULE: Tlp.GREEN, "+8614200000009": Tlp.AMBER, "loan.example/now": Tlp.CLEAR}
    assert all(MULE not in each.id for each in await told(line))


async def test_unmarked_and_closely_marked_suspects_reports_and_verdicts_stay_here(line: Line) -> None:
    await line.screen(
        [
            marked("unmarked", None),
            marked("red", Tlp.RED, value="990000000667"),
            marked("strict", Tlp.AMBER_STRICT, value="990000000668"),
            report(suspect="990000000669"),
            verdict(),
        ]
    )
    assert await told(line) == []


async def test_nothing_of_a_resident_is_ever_told(line: Line) -> None:
    await line.screen([marked("a"), transfer(), report(suspect=MULE), verdict()])
    texts = [each.model_dump_json() for each in await told(line)]
    assert len(texts) == 1
    assert not any(number in text for text in texts for number in (*ACCOUNTS.values(), *PHONES.values(), ANNA))


async def test_a_lift_withdraws_what_was_shared_and_only_that(line: Line) -> None:
    await line.screen([marked("a"), marked("b", None, value="990000000667")])
    await line.screen([watch("c", 5, WatchState.LIFTED), watch("d", 5, WatchState.LIFTED, value="990000000667")])
    assert [(each.suspect, each.revoked) for each in await told(line)] == [(MULE, False), (MULE, True)]
    first, last = await told(line)
    assert (last.id, last.since, last.tlp) == (first.id, first.since, Tlp.GREEN)


async def test_each_time_of_sharing_has_a_record_of_its_own_so_that_its_withdrawal_stays(line: Line) -> None:
    await line.screen([marked("a", ago=60)])
    await line.screen([watch("b", 40, WatchState.LIFTED)])
    await line.screen([marked("c", Tlp.AMBER, ago=20)])
    latest = {
        record.key: SharedSuspect.model_validate_json(record.value)
        async for record in read_all(line.settings, topics.SHARED_SUSPECTS.name)
        if record.value
    }
    assert [(each.tlp, each.revoked) for each in latest.values()] == [(Tlp.GREEN, True), (Tlp.AMBER, False)]


async def test_a_record_that_is_screened_again_tells_the_same_again(line: Line) -> None:
    """The worker may have stopped between the two writes."""
    raws = await line.screen([marked("a")])
    again = line.another()
    rules = await again.state.rules_of(BULK)
    batch = await again.decode(BULK, raws, minutes_ago(0), _at_once)
    matched = await again.matcher.match(BULK, batch, rules, minutes_ago(0))
    assert matched.shared == await told(line)


async def test_another_signal_about_a_shared_suspect_tells_nothing_new(line: Line) -> None:
    await line.screen([marked("a")])
    await line.screen([report(suspect=MULE), verdict()])
    assert len(await told(line)) == 1


async def test_a_payment_to_an_account_that_another_centre_rates_is_evidence_until_the_rating_ends(line: Line) -> None:
    await line.screen([transfer(uid="before", ago=50)])
    await line.screen([verdict(days=0.03, ago=60)])
    await line.screen([transfer(uid="during", ago=30)])
    await line.screen([transfer(uid="after", ago=1)])
    found = await line.evidence()
    assert {name: each.share for name, each in found.items()} == {
        "bank:during~reported_payee": pytest.approx(0.8 * 0.85)
    }


async def test_a_rating_alerts_no_earlier_payer_and_asks_nobody_however_many_there_are(line: Line) -> None:
    await line.screen(*[[transfer(uid=f"t{number}", ago=50 + number / 100)] for number in range(60)])
    await line.screen([verdict(ago=1)])
    assert await line.evidence() == {}
    assert await line.alerts() == []


async def test_a_centre_that_the_policy_does_not_trust_does_not_count(line: Line) -> None:
    await line.screen([verdict("elsewhere")])
    await line.screen([transfer(ago=1)])
    assert await line.evidence() == {}


async def _at_once() -> None:
    return None
