"""The copy of a person's data for their granted request: made by an operator's command, handed over by the console."""

import asyncio
import hashlib
import io
import os
import sys
import zipfile
from pathlib import Path

import orjson

from schemas.administration.security_events import SecurityEvent, SecurityEventKind
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from schemas.people.subject_requests import SubjectRequestState
from streams.messaging.reader import read_all
from streams.messaging.topics import SECURITY_EVENTS
from streams.operations.subject_access import packed
from tests.console.centre.test_subject_requests_page import decided, entered, form, kept
from tests.console.harness.audit import audited
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line

REPOSITORY = Path(__file__).parents[3]


async def granted(console: Stage, second: Client, person: Resident, right: str = "see") -> str:
    """A request that one person entered and `second` granted; its id."""
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        name = await entered(operator, right, person)
    assert await decided(second, name, "grant") == 303
    return name


async def collected(console: Stage, name: str, person: Resident, *options: str) -> tuple[int, str]:
    """The operator's command, as a process of its own; its code, and what it printed."""
    command = ["admin", "subject-access", person.id, "--request", name, "--by", "system-1", "--reason", "asked for"]
    environment = os.environ | console.house.settings.environment() | {"COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "quanzu", *command, *options),
        cwd=REPOSITORY,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_what_the_command_collects_is_downloaded_by_a_supervisor_and_names_them(
    console: Stage, line: Line
) -> None:
    person, other = await line.resident(name="查某某"), await line.resident()
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        name = await granted(console, second, person)
        assert (await second.post(f"/subject-requests/{name}/file", data=form())).status_code == 409, "none is there"
        code, out = await collected(console, name, person)
        assert (code, "to be downloaded in the console within 7 days" in out) == (0, True), out
        assert (await kept(console, name)).state is SubjectRequestState.GRANTED, "the person does not have it yet"
        page = (await second.get(f"/subject-requests/{name}")).text
        assert f'action="/subject-requests/{name}/file"' in page
        assert "quanzu admin" not in page
        answers = [await second.post(f"/subject-requests/{name}/file", data=form()) for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}.zip"'
    with zipfile.ZipFile(io.BytesIO(answers[0].content)) as archive:
        told = orjson.loads(archive.read("handed-over.json"))
        manifest = orjson.loads(archive.read("manifest.json"))
        text = b"".join(archive.read(each) for each in archive.namelist()).decode()
    assert (told["request"], told["downloaded_by"]) == (name, second.account.login)
    assert (manifest["resident"], manifest["by"]) == (person.id, "system-1")
    assert "查某某" in text
    assert other.id not in text
    done = await kept(console, name)
    assert (done.state, done.done_by) == (SubjectRequestState.DONE, second.account.login)
    assert len(await audited(console, "subject-request-done", name)) == 1
    looks = [each.detail for each in await audited(console, "look-held", name)]
    assert len(looks) == 2
    assert all("查某某" not in each and "SHA-256 " in each for each in looks)
    settings = console.house.settings
    events = [
        SecurityEvent.model_validate_json(each.value or b"") async for each in read_all(settings, SECURITY_EVENTS.name)
    ]
    mine = [each for each in events if each.kind is SecurityEventKind.REVEALED and each.on == name]
    assert [each.who for each in mine] == [second.account.login] * 2


async def test_nobody_else_downloads_it_and_nothing_but_a_granted_request_to_see_has_one(
    console: Stage, line: Line
) -> None:
    person, files = await line.resident(), console.house.line.subject_files
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        name = await granted(console, second, person)
        raw = packed({}, {"resident": person.id})
        await files.put(name, person.id, raw)
        for role in (StaffRole.OPERATOR, StaffRole.AUDITOR, StaffRole.SYSTEM_ADMINISTRATOR, StaffRole.RELEASE_DESK):
            async with await console.signed_in(role) as one:
                assert (await one.post(f"/subject-requests/{name}/file", data=form())).status_code == 403
        async with await console.signed_in(StaffRole.SUPERVISOR, "2224") as elsewhere:
            assert (await elsewhere.post(f"/subject-requests/{name}/file", data=form())).status_code == 404
        assert await decided(second, name, "refuse", why="investigation") == 303
        assert (await second.post(f"/subject-requests/{name}/file", data=form())).status_code == 409
        assert "下载文件" not in (await second.get(f"/subject-requests/{name}")).text
        erasure = await granted(console, second, person, "erase")
        await files.put(erasure, person.id, raw)
        assert (await second.post(f"/subject-requests/{erasure}/file", data=form())).status_code == 409
    assert await files.get(name, f"r{'b' * 16}") in (None, raw)
    assert hashlib.sha256(await files.get(name, person.id) or b"").digest() == hashlib.sha256(raw).digest()
    assert 0 < await files.seconds_left(name) <= 7 * 86_400


async def test_without_a_request_the_command_needs_a_file(console: Stage, line: Line, tmp_path: Path) -> None:
    person = await line.resident()
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        name = await granted(console, second, person)
    file = tmp_path / "copy.zip"
    code, out = await collected(console, name, person, "--out", str(file))
    assert (code, file.exists()) == (0, True), out
    assert (await kept(console, name)).state is SubjectRequestState.DONE
    assert await console.house.line.subject_files.seconds_left(name) == 0
