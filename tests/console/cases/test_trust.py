"""Looks and acts leave a line in the chain; unmasking takes a reason and ends; a case is taken out as a bundle."""

import asyncio
import io
import os
import re
import sys
import zipfile
from pathlib import Path

import orjson
import pytest

from console.web.auth import unmask
from console.web.auth.who import Who
from domain.access import bundle
from domain.access.audit_chain import audit_ring, is_intact
from domain.access.key_rings import KeyPurpose, KeyRing
from domain.access.signed_heads import heads_of
from schemas.administration.audit import AuditEntry
from schemas.people.staff import StaffRole
from streams.security import audit, audit_log
from streams.security.audit_chains import Heads
from streams.security.audit_log import Wanted
from streams.security.installation_keys import ring
from streams.state.keys import AUDIT_HEADS, UNMASK_COUNTS
from tests.console.harness.case_forms import REASON, reveal
from tests.console.harness.stage import Client, Stage
from tests.console.harness.visiting import visiting
from tests.console.programs.test_api import note, red
from tests.end_to_end.harness.house import until

GONE_SECONDS = 10.0  # until the console has heard of a closing


async def told(console: Stage, **wanted: str) -> list[AuditEntry]:
    """The newest lines of the audit that are meant."""
    page = await audit_log.newest(console.house.settings, Wanted(**wanted), 50)  # type: ignore[arg-type]  # texts only
    return [line.entry for line in page.lines]


async def who_is(console: Stage, client: Client) -> Who:
    found = await console.services.sessions.find(client.token)
    assert found is not None
    return found


# ------------------------------------------------------------ the audit


async def test_an_act_on_a_case_is_a_line_of_the_chain_written_with_its_input(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert (await note(client, case, "a-key-of-its-own")).status_code == 200
        (line,) = await told(console, by=client.account.login)
    assert (line.act, line.on) == ("note", case.id)
    assert line.link is not None
    assert line.link.chain == audit.chain_of(console.services.line.producer).end.chain


async def test_the_chains_of_worker_and_console_are_whole_and_the_page_says_so(console: Stage) -> None:
    async with await console.signed_in(StaffRole.AUDITOR, "") as client:
        assert (await client.post("/audit/verify")).headers["location"] == "/audit"
        page = await client.get("/audit")
        assert page.status_code == 200
        assert "全部相符" in page.text
        heads = await client.get("/audit/heads")
    kept = heads_of(heads.content, ring(console.house.settings, KeyPurpose.AUDIT_HEADS))
    assert len(kept) == len(await Heads(console.house.line.redis).all())
    assert "attachment" in heads.headers["content-disposition"]
    found = await audit_log.verified(console.house.settings, Heads(console.house.line.redis))
    assert found.faults == ()


async def test_a_head_that_somebody_changed_is_told_on_the_page_and_the_next_look_is_whole_again(
    console: Stage,
) -> None:
    redis, chain = console.house.line.redis, audit.chain_of(console.services.line.producer)
    async with await console.signed_in(StaffRole.AUDITOR, "") as client:
        await client.get("/audit/heads")
        raw = await redis.hget(AUDIT_HEADS, chain.end.chain)
        await redis.hset(AUDIT_HEADS, chain.end.chain, raw.replace(b'"number":', b'"number":9'))
        await client.post("/audit/verify")
        assert "was not made with this key" in (await client.get("/audit")).text
        await client.post("/audit/verify")
        assert "全部相符" in (await client.get("/audit")).text


async def test_lines_are_found_by_person_act_and_object_and_what_is_looked_for_is_in_no_address(
    console: Stage,
) -> None:
    case = await red(console.line())
    async with (
        await console.signed_in(StaffRole.OPERATOR) as operator,
        await console.signed_in(StaffRole.AUDITOR) as client,
    ):
        await reveal(operator, case)
        page = await client.post("/audit", data={"on": case.id, "act": "all:look", "by": operator.account.login})
        assert page.status_code == 200
        assert f"<td>{operator.account.name}</td>" in page.text
        assert "<td>查看居民完整信息</td>" in page.text
        assert operator.account.login not in _without_keys(page.text), "keys lie in a drawer"
        assert REASON in page.text
        nothing = await client.post("/audit", data={"on": case.id, "act": "lower"})
        assert "没有符合的记录" in nothing.text
        later = await client.post("/audit", data={"on": case.id, "since": "2090-01-01T00:00"})
        assert "没有符合的记录" in later.text
        assert [line.on for line in await told(console, by=client.account.login, act="look-audit")] == [case.id] * 3


def _without_keys(page: str) -> str:
    """The page's text without what is folded, its form fields and its markup."""
    table = page.partition('<table class="lines">')[2].partition("</table>")[0]
    return re.sub(r"<details.*?</details>|<[^>]+>", "", table, flags=re.DOTALL)


async def test_the_link_to_a_case_that_was_closed_is_its_number_too(console: Stage) -> None:
    line = console.line()
    case = await red(line)
    async with (
        await console.signed_in(StaffRole.OPERATOR) as operator,
        await console.signed_in(StaffRole.AUDITOR) as client,
    ):
        await reveal(operator, case)
        await line.end()

        async def gone() -> bool:
            return case.id not in console.services.hub.rows

        await until(gone, GONE_SECONDS)
        page = (await client.post("/audit", data={"on": case.id})).text
    number = console.services.hub.numbers.of(case)
    assert re.search(rf'<a href="/cases/{case.id}">(<span[^>]*>[^<]*</span>)?{number}</a>', page)
    assert f">{case.id}</a>" not in page


async def test_an_auditor_of_a_prefecture_sees_what_its_people_did_and_nobody_else_s(console: Stage) -> None:
    case = await red(console.line())
    async with (
        await console.signed_in(StaffRole.OPERATOR) as operator,
        await console.signed_in(StaffRole.AUDITOR, "2202") as elsewhere,
    ):
        await reveal(operator, case)
        page = await elsewhere.post("/audit", data={"on": case.id})
        assert operator.account.login not in page.text


async def test_older_lines_come_page_by_page(console: Stage) -> None:
    async with await console.signed_in(StaffRole.AUDITOR) as client:
        for number in range(55):
            await client.post("/audit", data={"on": f"case-{number}"})
        first = await client.post("/audit", data={"by": client.account.login, "act": "look-audit"})
        assert first.text.count("<td>查询审计</td>") == 50
        before = first.text.split('name="before" value="')[1].split('"')[0]
        asked = {"by": client.account.login, "act": "look-audit", "before": before}
        assert (await client.post("/audit", data=asked)).text.count("<td>查询审计</td>") == 6


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "查看居民完整信息"), ("en", "revealed personal data"), ("ko", "")]
)
async def test_an_act_is_chosen_by_its_displayed_word_in_each_language(
    console: Stage, language: str, words: str
) -> None:
    case = await red(console.line())
    async with (
        await console.signed_in(StaffRole.OPERATOR) as operator,
        await console.signed_in(StaffRole.AUDITOR) as client,
    ):
        await reveal(operator, case)
        headers = {"accept-language": language}
        menu = (await client.get("/audit", headers=headers)).text
        option = re.search(r'<option value="(look-unmask)">([^<]+)</option>', menu)
        assert option
        asked = {"on": case.id, "act": option[1], "by": operator.account.login}
        found = (await client.post("/audit", data=asked, headers=headers)).text
    assert found.count(f"<td>{option[2]}</td>") == 1


# ------------------------------------------------------------ unmasking


async def test_unmasking_takes_a_reason_lasts_minutes_and_is_one_person_s_and_one_resident_s(console: Stage) -> None:
    line = console.line()
    case, other = await red(line), await red(line)
    async with (
        await console.signed_in(StaffRole.OPERATOR) as client,
        await console.signed_in(StaffRole.OPERATOR) as colleague,
    ):
        me, another, services = await who_is(console, client), await who_is(console, colleague), console.services
        assert (await reveal(client, case, reason="x")).status_code == 422
        assert not await unmask.seconds_left(services, me, case.resident)
        assert (await reveal(client, case)).headers["location"] == f"/cases/{case.id}"
        assert await unmask.seconds_left(services, me, case.resident)
        assert 0 < await unmask.seconds_left(services, me, case.resident) <= services.settings.unmask_minutes * 60
        assert not await unmask.seconds_left(services, me, other.resident)
        assert not await unmask.seconds_left(services, another, case.resident)
        await client.post("/unmask/end", data={"case": case.id})
        assert not await unmask.seconds_left(services, me, case.resident)
        (line_of_audit,) = await told(console, by=me.login)
    assert (line_of_audit.act, line_of_audit.on, line_of_audit.reason) == ("look-unmask", case.id, REASON)


async def test_a_form_that_is_sent_twice_is_recorded_and_counted_once(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        for _ in range(2):
            await reveal(client, case, form="aaaabbbbccccdddd")
        answer = await client.post(
            "/unmask",
            data={"case": case.id, "why": "calling", "reason": REASON},
            headers={"accept": "application/json"},
        )
        assert answer.json()["seconds"] > 0
        assert len(await told(console, by=client.account.login)) == 2


async def test_nobody_unmasks_another_prefecture_s_resident_nor_an_officer_one_he_has_no_visit_of(
    console: Stage,
) -> None:
    case = await red(console.line())
    for role, area, officer in ((StaffRole.OPERATOR, "2202", None), (StaffRole.OFFICER, "2201", "idle-1")):
        async with await console.signed_in(role, area, officer=officer) as client:
            assert (await reveal(client, case)).status_code == 404
            assert await told(console, by=client.account.login) == []


async def test_an_officer_unmasks_whom_he_is_sent_to(console: Stage) -> None:
    async with (
        visiting(console, "unmask-1") as visit,
        await console.signed_in(StaffRole.OFFICER, officer="unmask-1") as client,
    ):
        asked = {"case": visit.task.case, "why": "visiting", "reason": REASON, "back": "/tasks"}
        assert (await client.post("/unmask", data=asked)).headers["location"] == "/tasks"


async def test_who_unmasks_is_counted_by_day_and_shown_to_the_area_s_supervisors(console: Stage) -> None:
    case = await red(console.line())
    async with (
        await console.signed_in(StaffRole.OPERATOR) as client,
        await console.signed_in(StaffRole.SUPERVISOR) as supervisor,
        await console.signed_in(StaffRole.SUPERVISOR, "2202") as elsewhere,
    ):
        for _ in range(3):
            await reveal(client, case)
        mark = f">{client.account.login}</span>"
        row = (await supervisor.get("/unmask")).text.split(mark)[1].split("</tr>")[0]
        assert "<strong>3</strong>" in row
        assert mark not in (await elsewhere.get("/unmask")).text
        await console.house.line.redis.delete(UNMASK_COUNTS)  # what Redis lost is counted again from the audit
        row = (await supervisor.get("/unmask")).text.split(mark)[1].split("</tr>")[0]
        assert "<strong>3</strong>" in row


# ------------------------------------------------------------ a case taken out


async def test_a_case_is_taken_out_whole_with_its_audit_and_the_export_is_in_it(console: Stage) -> None:
    line = console.line()
    case = await red(line)
    async with (
        await console.signed_in(StaffRole.OPERATOR) as operator,
        await console.signed_in(StaffRole.SUPERVISOR) as client,
    ):
        await note(operator, case, "before-the-export")
        assert case.id in (await client.get(f"/audit/export/{case.id}")).text
        assert (await client.post(f"/audit/export/{case.id}", data={"reason": "x"})).status_code == 422
        answer = await client.post(f"/audit/export/{case.id}", data={"reason": "检察机关调取"})
    assert answer.headers["content-type"] == "application/zip"
    secret = console.services.keys(KeyPurpose.AUDIT)
    checked = bundle.check(answer.content, secret)
    assert (checked.faults, checked.decided) == ((), True)
    files = _unpacked(answer.content)
    lines = files["audit.jsonl"].splitlines()
    assert [orjson.loads(line)["act"] for line in lines] == ["note", "look-export"]
    assert all(is_intact(line, audit_ring(secret)) for line in lines)
    events = [orjson.loads(line) for line in files["events.jsonl"].splitlines()]
    assert {event["case"]["id"] for event in events} == {case.id}
    assert [each["id"] for each in orjson.loads(files["inputs.json"])] == [event["input"] for event in events]
    assert f"policies/{case.policy}.toml" in files
    assert orjson.loads(files["case.json"])["version"] == len(events)


async def test_a_bundle_that_was_changed_is_not_whole_whatever_was_put_right_with_it(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.AUDITOR) as client:
        raw = (await client.post(f"/audit/export/{case.id}", data={"reason": "检察机关调取"})).content
    secret, files = console.services.keys(KeyPurpose.AUDIT), _unpacked(raw)
    changed = files | {"case.json": files["case.json"].replace(b'"red"', b'"blue"')}
    assert bundle.check(_packed(changed), secret).faults == ("case.json is not what was written: its SHA-256 differs",)
    assert bundle.check(_packed({k: v for k, v in files.items() if k != "inputs.json"}), secret).faults
    assert bundle.check(_packed(files | {"more.txt": b""}), secret).faults == ("more.txt is not in the manifest",)
    manifest = orjson.loads(files["manifest.json"])
    manifest["files"]["case.json"] = bundle.sums(changed)["case.json"].model_dump()
    mended = changed | {"manifest.json": orjson.dumps(manifest)}
    assert "manifest.seal does not fit" in bundle.check(_packed(mended), secret).faults[0]
    assert not bundle.check(raw, KeyRing((b"another key",))).decided
    assert bundle.check(b"no zip", secret).faults
    assert bundle.check(_packed({}), secret).faults == ("there is no manifest.json",)


async def test_another_prefecture_s_case_is_not_taken_out(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.AUDITOR, "2202") as client:
        for answer in (
            await client.get(f"/audit/export/{case.id}"),
            await client.post(f"/audit/export/{case.id}", data={"reason": "检察机关调取"}),
        ):
            assert answer.status_code == 404
    assert not [line for line in await told(console, on=case.id) if line.act == "look-export"]


async def test_the_command_line_takes_a_case_out_checks_it_and_verifies_the_chains(
    console: Stage, tmp_path: Path
) -> None:
    case = await red(console.line())
    file, heads = tmp_path / "case.zip", tmp_path / "heads.jsonl"
    why = ("--by", "auditor-9", "--reason", "检察机关调取")
    assert (await _quanzu(console, "audit", "export", case.id, "--out", str(file), *why))[0] == 0
    assert file.stat().st_mode & 0o077 == 0
    code, out = await _quanzu(console, "audit", "check-bundle", str(file))
    assert (code, "its seal is this installation's" in out) == (0, True), out
    code, out = await _quanzu(console, "audit", "heads")
    heads.write_text(out, "utf-8")
    code, out = await _quanzu(console, "audit", "verify", "--anchors", str(heads))
    assert (code, "heads compared" in out) == (0, True), out
    code, out = await _quanzu(console, "audit", "show", "--on", case.id, "--act", "look-", "--since", "1d")
    assert (code, "look-export" in out, "auditor-9" in out) == (0, True, True), out


async def _quanzu(console: Stage, *arguments: str) -> tuple[int, str]:
    """A command on the stage's servers, as a process of its own; its code and what it printed."""
    repository = Path(__file__).parents[3]
    environment = os.environ | console.house.settings.environment() | {"COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "quanzu",
        *arguments,
        cwd=repository,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode() + (err.decode() if process.returncode else "")


def _unpacked(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return made.getvalue()
