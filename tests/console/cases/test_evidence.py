"""Evidence files on the console: added once, shown only on request, never as they came, and never to others."""

import asyncio
import io
import secrets
import tempfile

import httpx
import pytest
from PIL import Image
from starlette.formparsers import MultiPartParser

from console.web.kit.limits import EVIDENCE_BYTES
from domain.casework.evidence.uploads import MOST_FILE_BYTES
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.casework.evidence_files import MOST_AT_ONCE, FileRefusal
from schemas.codes.people import EvidenceAdded
from schemas.people.staff import StaffRole
from streams.messaging.reader import read_all
from streams.messaging.topics import EVIDENCE_FILES
from streams.runtime.settings import Settings
from tests.console.cases.test_call_in import called, form
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import latest, red, reveal
from tests.console.harness.stage import Client, Stage
from tests.documents.records import held
from tests.end_to_end.harness.rig import Line
from tests.uploads import HTML, SVG, bomb, photograph, picture

NAME = "screen.png"


async def add(client: Client, case: Case, *files: bytes, name: str = NAME, **fields: str) -> httpx.Response:
    """Send the page's form with these files."""
    sent = [("files", (name, each, "image/png")) for each in files]
    return await client.post(f"/cases/{case.id}/evidence", data=form(**fields), files=sent)


async def written(settings: Settings, case: Case) -> int:
    """How many records the topic has of a case."""
    begins = f"{case.id}-".encode()
    keys = [record.key or b"" async for record in read_all(settings, EVIDENCE_FILES.name)]
    return sum(key.startswith(begins) for key in keys)


async def test_a_screenshot_is_shown_to_who_gives_a_reason_and_each_look_is_recorded(
    console: Stage, line: Line
) -> None:
    _, case = await red(line)
    raw = photograph()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        answer = await add(client, case, raw, picture())
        assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{case.id}/evidence")
        files = (await latest(console, case)).files
        assert len(files) == 2
        page = (await client.get(f"/cases/{case.id}/evidence")).text
        assert files[0].original in page
        assert "<img" not in page
        assert "查看或添加（2 份）" in (await client.get(f"/cases/{case.id}")).text

        where = f"/cases/{case.id}/evidence/{files[0].id}"
        hidden = await client.get(where)
        assert (hidden.status_code, hidden.headers["location"]) == (303, f"/cases/{case.id}/evidence")
        assert await audited(console, "look-evidence", case.id) == []
        assert (await reveal(client, case)).status_code == 303
        page = (await client.get(f"/cases/{case.id}/evidence")).text
        assert page.count("<img") == 2
        assert 'id="watermark"' in page
        shown = await client.get(where)
        assert shown.status_code == 200
        image = Image.open(io.BytesIO(shown.content))
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (40, 60), {})
        assert HTML not in shown.content
        assert {name: shown.headers[name] for name in ("content-type", "x-content-type-options", "cache-control")} == {
            "content-type": "image/jpeg",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        }
        assert shown.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert NAME not in shown.headers["content-disposition"]
        (entry,) = await audited(console, "look-evidence", case.id)
        assert (entry.by, entry.detail) == (client.account.login, files[0].id)
        alone = await client.get(where, headers={"sec-fetch-dest": "document"})  # without the page's watermark
        assert (alone.status_code, alone.headers["location"]) == (303, f"/cases/{case.id}/evidence")
    noted = [fact.what for fact in await line.facts(line.residents[0], FactKind.NOTE)]
    assert EvidenceAdded(2) in noted
    on_topics = await held(console.house.settings)
    assert on_topics.faults == []
    assert on_topics.seen[EVIDENCE_FILES.name, "evidence-picture"] == 2


async def test_the_same_form_sent_twice_or_at_once_and_the_same_picture_again_add_it_once(
    console: Stage, line: Line
) -> None:
    _, case = await red(line)
    raw, name = picture(colour="blue"), secrets.token_hex(10)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        answers = await asyncio.gather(*(add(client, case, raw, form=name) for _ in range(2)))
        answers += [await add(client, case, raw, form=name), await add(client, case, raw)]
        assert {answer.headers["location"] for answer in answers} == {f"/cases/{case.id}/evidence"}
    found = await latest(console, case)
    assert len(found.files) == 1
    notes = [fact.what for fact in await line.facts(line.residents[0], FactKind.NOTE)]
    assert notes.count(EvidenceAdded(1)) == 1


async def test_who_breaks_off_between_picture_and_case_adds_it_by_sending_it_again(
    console: Stage, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, case = await red(line)
    raw = picture(colour="green")

    async def killed(*given: object) -> None:
        raise TimeoutError

    async with await console.signed_in(StaffRole.OPERATOR) as client:
        with monkeypatch.context() as here:
            here.setattr("console.web.case.evidence.put", killed)
            assert (await add(client, case, raw)).status_code == 503
        assert (await latest(console, case)).files == []
        assert await written(console.house.settings, case) == 1
        assert (await add(client, case, raw)).status_code == 303
        (file,) = (await latest(console, case)).files
        await reveal(client, case)
        assert (await client.get(f"/cases/{case.id}/evidence/{file.id}")).status_code == 200


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", FileRefusal.EMPTY),
        (b"%PDF-1.7", FileRefusal.PDF),
        (SVG, FileRefusal.NO_PICTURE),
        (HTML, FileRefusal.NO_PICTURE),
        (picture()[:60], FileRefusal.UNREADABLE),
        (bomb(50_000, 50_000), FileRefusal.TOO_MANY_PIXELS),
        (picture() + bytes(MOST_FILE_BYTES), FileRefusal.TOO_LARGE),
    ],
    ids=str,
)
async def test_what_is_no_good_picture_is_refused_with_words_in_each_language_and_stored_nowhere(
    console: Stage, line: Line, raw: bytes, why: FileRefusal
) -> None:
    _, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        answer = await add(client, case, raw)
        assert answer.headers["location"] == f"/cases/{case.id}/evidence?refused={why.value}"
        told = {lang: await _alert(client, answer.headers["location"], lang) for lang in ("zh", "en", "ko")}
        assert len(set(told.values())) == 3
    assert (await latest(console, case)).files == []
    assert await written(console.house.settings, case) == 0


async def _alert(client: Client, where: str, language: str) -> str:
    page = (await client.get(where, headers={"accept-language": language})).text
    return page.partition('role="alert">')[2].partition("</div>")[0]


async def test_good_files_are_added_beside_bad_ones_but_none_of_too_many(console: Stage, line: Line) -> None:
    _, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        answer = await add(client, case, picture(), SVG)
        assert answer.headers["location"].endswith("?refused=no_picture")
        assert len((await latest(console, case)).files) == 1
        many = [picture(size=(10, 10 + number)) for number in range(MOST_AT_ONCE + 1)]
        assert (await add(client, case, *many)).headers["location"].endswith("?refused=too_many")
        assert len((await latest(console, case)).files) == 1
        nobody = await client.post(f"/cases/{case.id}/evidence", data=form(), files=[("files", ("", b""))])
        assert nobody.headers["location"] == f"/cases/{case.id}/evidence"


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\a\\b.png", "gnp.\u202eexe", "<b>x</b>.png", "a" * 3000])
async def test_a_files_name_is_kept_nowhere(console: Stage, line: Line, name: str) -> None:
    _, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert (await add(client, case, picture(), name=name)).status_code == 303
        await reveal(client, case)
        page = (await client.get(f"/cases/{case.id}/evidence")).text
    found = await latest(console, case)
    assert len(found.files) == 1
    for part in (name, "passwd", "\u202e"):
        assert part not in page
        assert part not in found.model_dump_json()


async def test_other_areas_and_other_cases_have_no_such_file(console: Stage, line: Line) -> None:
    (_, case), (_, other) = await red(line), await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        await add(client, case, picture())
        (file,) = (await latest(console, case)).files
        await reveal(client, case)
        await reveal(client, other)
        for wrong in (f"{other.id}/evidence/{file.id}", f"{case.id}/evidence/{'0' * 20}", f"{case.id}/evidence/x"):
            assert (await client.get(f"/cases/{wrong}")).status_code == 404
    async with await console.signed_in(StaffRole.OPERATOR, area="2224") as stranger:
        for answer in (
            await stranger.get(f"/cases/{case.id}/evidence"),
            await stranger.get(f"/cases/{case.id}/evidence/{file.id}"),
            await add(stranger, case, picture(colour="blue")),
        ):
            assert answer.status_code == 404
    assert len((await latest(console, case)).files) == 1


async def test_an_auditor_looks_and_adds_nothing(console: Stage, line: Line) -> None:
    _, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        await add(client, case, picture())
    async with await console.signed_in(StaffRole.AUDITOR) as auditor:
        page = await auditor.get(f"/cases/{case.id}/evidence")
        assert (page.status_code, 'type="file"' in page.text) == (200, False)
        assert (await add(auditor, case, picture(colour="blue"))).status_code == 403


async def test_a_form_above_the_limit_is_refused_and_no_upload_touches_a_disk(console: Stage, line: Line) -> None:
    _, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        answer = await add(client, case, *(bytes(EVIDENCE_BYTES // 3) for _ in range(3)))
        assert answer.status_code == 413
    assert MultiPartParser.spool_max_size >= EVIDENCE_BYTES
    with tempfile.SpooledTemporaryFile(max_size=MultiPartParser.spool_max_size) as file:
        file.write(bytes(EVIDENCE_BYTES - 1))
        assert getattr(file, "_rolled") is False  # noqa: B009 - a private name of the library


async def test_who_sends_many_forms_with_files_waits(console: Stage, line: Line) -> None:
    _, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        statuses = [(await add(client, case)).status_code for _ in range(14)]
    assert statuses[:12] == [303] * 12
    assert statuses[13] == 429
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, line.phone())
        statuses = [(await client.post(f"{where}/danger", data=form(name=""))).status_code for _ in range(14)]
    assert 429 not in statuses[:12]
    assert statuses[13] == 429, "so does a report of danger, whose form takes files too"


async def test_a_report_of_danger_has_its_files_on_its_case_and_a_bad_file_never_holds_the_case_up(
    console: Stage, line: Line
) -> None:
    line.approves = False
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, line.phone())
        told = form(name="某新", place="南关", bank="某银行", amount="30000")
        files = [("files", (NAME, raw, "image/png")) for raw in (picture(), b"%PDF-1.7")]
        answer = await client.post(f"{where}/danger", data=told, files=files)
        case_id, _, rest = answer.headers["location"].removeprefix("/cases/").partition("/")
        assert rest == "evidence?refused=pdf"
        case = await console.services.desk.load(case_id)
        assert case is not None
        entries = await console.house.line.residents.standing([case.resident])
        line.residents += entries.values()
        assert len(case.files) == 1
        again = await client.post(f"{where}/danger", data=told, files=files[:1])  # the answer was lost
        assert again.headers["location"] == f"/cases/{case_id}"
        assert len((await latest(console, case)).files) == 1
