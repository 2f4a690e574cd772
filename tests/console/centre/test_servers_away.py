"""What the console answers while Kafka does not, or where a policy's text is lost: words, in time; nothing is lost."""

import secrets
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from console.web.auth import trail, unmask
from domain.policy import digest_of
from schemas.casework.inputs import PolicyChange
from schemas.casework.policies import InForce
from schemas.people.staff import StaffRole
from streams.installation import Installation
from streams.messaging import case_inputs
from streams.operations import rules
from streams.security import audit_log
from streams.state.keys import POLICIES
from tests.console.harness.case_forms import red, send
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line
from tests.tools.servers.process import hanging

PATIENCE = 5.0  # seconds within which a form is answered here
UNKNOWN = "0" * 16


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "WRITE_SECONDS", 0.3)


@pytest.fixture
def kafka(console: Stage) -> int:
    assert console.house.servers is not None
    return console.house.servers.pids["kafka"]


@pytest_asyncio.fixture(loop_scope="session")
async def lost_policy(console: Stage) -> AsyncIterator[str]:
    """A policy is in force whose text is stored nowhere."""
    line = console.house.line
    standing = await rules.standing(line)
    lost = InForce(policy=UNKNOWN, good=standing.good, since=standing.since, by="li")
    await line.redis.hset(POLICIES, "in-force", lost.model_dump_json())
    yield UNKNOWN
    await line.redis.hset(POLICIES, "in-force", standing.model_dump_json())


async def test_while_kafka_is_away_a_form_is_answered_in_time_and_sent_again_it_counts(
    console: Stage, line: Line, operator: Client, kafka: int, impatient: None
) -> None:
    _, case = await red(line)
    given = {"form": secrets.token_hex(10)}
    with hanging(kafka):
        began = time.monotonic()
        answer = await send(operator, case, "note", given, what="note", note="回电核实")
        assert (answer.status_code, time.monotonic() - began < PATIENCE) == (503, True)
        assert "请再试一次" in answer.text
    await line.settle()
    assert (await send(operator, case, "note", given, what="note", note="回电核实")).status_code in (200, 303)


async def test_while_kafka_is_away_a_callers_report_is_answered_in_time(
    console: Stage, line: Line, operator: Client, kafka: int, impatient: None
) -> None:
    resident = await line.resident()
    begun = await operator.post("/call-in", data={"form": secrets.token_hex(10), "phone": resident.phones[0].value})
    given = {"form": secrets.token_hex(10), "what": "report", "text": "来电举报"}
    with hanging(kafka):
        began = time.monotonic()
        answer = await operator.post(f"{begun.headers['location']}/told", data=given)
        assert (answer.status_code, time.monotonic() - began < PATIENCE) == (503, True)


async def test_while_kafka_is_away_who_signs_out_is_signed_out_and_nothing_stays_on_the_telephone(
    console: Stage, kafka: int, impatient: None
) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        with hanging(kafka):
            answer = await client.post("/sign-out")
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
            assert answer.headers["clear-site-data"] == '"storage"'
            assert (await client.get("/queue")).headers.get("location") == "/sign-in"


async def test_a_form_whose_audit_entry_could_not_be_written_reveals_the_data_when_it_is_sent_again(
    console: Stage, line: Line, operator: Client, kafka: int, impatient: None
) -> None:
    resident, case = await red(line)
    who = await console.services.sessions.find(operator.token)
    assert who is not None
    await unmask.counts(console.services, console.house.clock.now().date())  # reads the audit, if it is the first
    given = {"case": case.id, "why": "calling", "reason": "回电核实身份", "form": secrets.token_hex(10)}
    with hanging(kafka):
        assert (await operator.post("/unmask", data=given)).status_code == 503
    assert not await unmask.seconds_left(console.services, who, resident.id)
    assert (await operator.post("/unmask", data=given)).status_code == 303
    assert await unmask.seconds_left(console.services, who, resident.id)
    told = await audit_log.newest(console.house.settings, audit_log.Wanted(act="look-unmask", on=case.id), 10)
    assert told.lines


async def test_while_a_policys_text_is_lost_holds_can_be_set(console: Stage, lost_policy: str) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        assert (await client.get("/holds")).status_code == 200
        given = {"form": secrets.token_hex(10), "for": "1h", "reason": "网关故障", "kind": "mute", "channel": "sms"}
        assert (await client.post("/holds/look", data=given)).status_code == 200


async def test_a_bundle_whose_policy_is_lost_is_refused_with_the_reason(console: Stage, line: Line) -> None:
    installation = console.house.line
    before = (await rules.standing(installation)).policy
    text = console.house.settings.policy.read_text("utf-8") + "\n# in Redis alone\n"
    await installation.redis.hset(POLICIES, digest_of(text), text)
    await _decide_by(installation, digest_of(text))
    _, case = await red(line)
    assert case.policy == digest_of(text)
    await installation.redis.hdel(POLICIES, digest_of(text))
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        answer = await client.post(f"/audit/export/{case.id}", data={"reason": "检察院调取"})
    await _decide_by(installation, before)
    assert (answer.status_code, "策略" in answer.text) == (503, True)


async def _decide_by(installation: Installation, policy: str) -> None:
    now = installation.clock.now()
    change = PolicyChange(id=f"test:{policy}:{now.isoformat()}", at=now, policy=policy, by="li")
    await installation.producer.send_all(case_inputs.to_all(change, range(installation.settings.partitions)))
