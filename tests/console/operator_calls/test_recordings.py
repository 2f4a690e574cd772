"""Recording a call from the case page, and hearing it: for a reason, by few, and in the audit."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from schemas.casework.call_recordings import CallRecording
from schemas.casework.cases import Case
from schemas.codes.call_recordings import CallRecordingBegun
from schemas.people.staff import StaffRole
from streams.gateways.voice.media.g711 import A_LAW, Samples
from streams.messaging.topics import CALL_RECORDINGS
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import SECONDS, red
from tests.console.harness.desk_phone import connected_desk
from tests.console.harness.stage import Client, Stage
from tests.console.operator_calls.test_operator_phone import acts, calls, page_says
from tests.console.operator_calls.test_third_parties import noted_talk
from tests.documents.records import held
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.streams.gateways.voice.operators.desk import PHONE
from tests.streams.gateways.voice.operators.test_operator_talks import said
from tests.streams.gateways.voice.operators.test_recordings import hears, likeness
from tests.tools.gateway.baresip import BaresipPhone, baresip_phone
from tests.tools.gateway.switch import trunk_to

HEAD = 46  # bytes of the WAV file before its sound


@dataclass
class RecordableTalk:
    """A talk that goes on, behind a gateway that records."""

    case: Case
    resident: BaresipPhone


@asynccontextmanager
async def recordable(console: Stage, line: Line, operator: Client, folder: Path) -> AsyncIterator[RecordableTalk]:
    """An operator talks with a resident."""
    resident, case = await red(line)
    for name in ("operator", "resident"):
        (folder / name).mkdir()
    more = "\n".join(
        (
            f'recordings_url = "{console.house.settings.receipts_url}/call-recordings"',
            'recording_notice = "录音"',
            'recording_notice_ko = "녹음"',
        )
    )
    number = resident.phones[0].value.removeprefix("+86")
    async with (
        baresip_phone(folder / "operator", plays=said(1)) as phone,
        baresip_phone(folder / "resident", plays=said(2)) as theirs,
        trunk_to({number: theirs.port}, PHONE) as (trunk, _),
        connected_desk(console, operator.account.login, folder, trunk, phone.port, more),
    ):
        assert await calls(operator, case) == 202
        await page_says(operator, case, "通话中")
        await noted_talk(console, case)
        yield RecordableTalk(case, theirs)


async def enable(console: Stage, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the policy and the console's settings allow recordings. The house's records are written without a vault."""
    await line.policy(lambda text: text.replace("[recording]\nenabled = false", "[recording]\nenabled = true"))
    vaulted = console.services.line.settings.model_copy(update={"vault": "redis://127.0.0.1:1"})
    monkeypatch.setattr(console.services.line, "settings", vaulted)


async def recorded(line: Line, console: Stage, case: Case) -> CallRecording:
    """Wait until the case lists a recording with its length."""

    async def listed() -> bool:
        await line.settle()
        found = await console.services.desk.load(case.id)
        return bool(found and found.call_recordings and found.call_recordings[0].seconds is not None)

    await until(listed, SECONDS)
    found = await console.services.desk.load(case.id)
    assert found is not None
    return found.call_recordings[0]


async def hear(client: Client, case: Case, recording: str, **fields: str) -> httpx.Response:
    """Ask to hear a recording."""
    form = {"form": secrets.token_hex(10), "why": "checking", "reason": "核实坐席所说内容", **fields}
    return await client.post(f"/cases/{case.id}/recordings/{recording}", data=form)


def tracks(raw: bytes) -> tuple[Samples, Samples]:
    """The operator's sound, and the others', of a WAV file."""
    sound = np.frombuffer(raw[HEAD:], np.uint8)
    return A_LAW.decode(sound[::2].tobytes()), A_LAW.decode(sound[1::2].tobytes())


async def test_a_call_is_recorded_only_where_it_is_enabled_and_heard_only_for_a_reason(
    console: Stage, line: Line, operator: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recordable(console, line, operator, tmp_path) as talk:
        case = talk.case
        assert 'data-call-act="record"' not in (await operator.get(f"/cases/{case.id}")).text
        assert await acts(operator, case, "record") == 409
        assert await audited(console, act="record-call") == []
        await enable(console, line, monkeypatch)
        await page_says(operator, case, 'data-call-act="record"')
        assert await acts(operator, case, "record") == 200
        await page_says(operator, case, "录音中")
        await hears(talk.resident, said(1))
        assert await acts(operator, case, "record") == 409, "one recording in a call"
        assert await acts(operator, case, "pause_recording") == 200
        await page_says(operator, case, "录音已暂停")
        assert await acts(operator, case, "resume_recording") == 200
        await page_says(operator, case, "录音中")
        assert await acts(operator, case, "hang_up") == 200
        recording = await recorded(line, console, case)
    login = operator.account.login
    assert recording.by == login
    notes = [fact.what for fact in await line.facts(line.residents[0])]
    assert notes.count(CallRecordingBegun(login)) == 1
    (entry,) = await audited(console, act="record-call", on=case.id)
    assert (entry.by, entry.detail) == (login, recording.id)
    where = f"/cases/{case.id}/recordings"
    assert (await operator.get(where)).status_code == 403
    assert where not in (await operator.get(f"/cases/{case.id}")).text
    async with await console.signed_in(StaffRole.SUPERVISOR) as supervisor:
        assert where in (await supervisor.get(f"/cases/{case.id}")).text
        assert "<audio" not in (await supervisor.get(where)).text
        assert (await supervisor.get(f"{where}/{recording.id}/sound")).status_code == 303
        for fields in ({"why": ""}, {"reason": "啊啊啊啊"}, {"reason": ""}):
            assert (await hear(supervisor, case, recording.id, **fields)).status_code == 422
        assert (await hear(supervisor, case, "0" * 20)).status_code == 404
        assert await audited(console, act="look-recording") == []
        assert (await hear(supervisor, case, recording.id)).status_code == 303
        assert "<audio" in (await supervisor.get(where)).text
        answer = await supervisor.get(f"{where}/{recording.id}/sound")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
        own, others = tracks(answer.content)
        assert len(own) == len(others) == round((recording.seconds or 0) * 8000)
        assert min(likeness(said(1), own), likeness(said(2), others)) > 0.5
        assert max(likeness(said(2), own), likeness(said(1), others)) < 0.35
        (heard,) = await audited(console, act="look-recording", on=case.id)
        assert (heard.by, heard.reason) == (supervisor.account.login, "核实坐席所说内容")
        assert heard.detail == f"{recording.id} for checking"
    async with await console.signed_in(StaffRole.SUPERVISOR, area="2224") as stranger:
        assert (await stranger.get(where)).status_code == 404
        assert (await hear(stranger, case, recording.id)).status_code == 404
    on_topics = await held(console.house.settings)
    assert on_topics.faults == []
    assert on_topics.seen[CALL_RECORDINGS.name, "recording-part"] > 1
