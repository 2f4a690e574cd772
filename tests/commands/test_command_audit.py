"""`quanzu audit` as an auditor uses it: is the audit whole, what does it tell, is a bundle one of ours."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

import quanzu
from domain.access import bundle
from domain.access.key_rings import KeyPurpose
from domain.ids import fingerprint
from schemas.administration.audit import AuditEntry
from schemas.administration.bundles import Manifest
from schemas.levels import Level
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.runtime.embedded import Embedded
from streams.runtime.server_discovery import announce
from streams.runtime.settings import Settings
from streams.security import audit
from streams.security.audit_chains import Heads
from streams.security.encrypted_kafka import make_producer
from streams.security.installation_keys import ring
from streams.state.case_store import connect

NOW = datetime.now(UTC)


class Told(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Told]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with Embedded(tmp_path_factory.mktemp("house")) as embedded:
        settings = embedded.settings(Settings())
        topics.create(settings)
        announce(settings)
        yield settings


@pytest.fixture
def command(
    servers: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    for name in [name for name in os.environ if name.startswith("QUANZU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUANZU_DATA", str(servers.data))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["quanzu", "audit", *arguments])
        code: object = 0
        try:
            quanzu.main()
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        return Told(int(str(code or 0)), told.out, told.err)

    return run


def written(settings: Settings, *entries: AuditEntry) -> None:
    """As a process of its own writes them."""

    async def write() -> None:
        redis = connect(settings)
        producer = make_producer(settings, heads=Heads(redis))
        await producer.start()
        await audit.write(producer, entries)
        await producer.stop()
        await redis.aclose()

    asyncio.run(write())


def put_in(settings: Settings, entry: AuditEntry) -> None:
    """As somebody who can write the topic puts a line in."""

    async def put() -> None:
        producer = make_producer(settings)
        await producer.start()
        await producer.send_all([Record(topics.AUDIT.name, b"x", entry.model_dump_json().encode(), 0)])
        await producer.stop()

    asyncio.run(put())


def said(by: str, on: str = "case-1", act: str = "look-case") -> AuditEntry:
    return AuditEntry(at=NOW, by=by, act=act, on=on, reason="回电核实")


def test_the_audit_is_whole_until_a_line_is_put_in_which_is_named(
    command: Command, servers: Settings, tmp_path: Path
) -> None:
    written(servers, said("operator-1"), said("operator-2", act="claim"))
    written(servers, said("operator-3"))
    told = command("verify")
    assert (told.code, "3 lines in 2 chains, 2 heads compared" in told.out) == (0, True), told
    heads = tmp_path / "heads.jsonl"
    heads.write_text(command("heads").out, "utf-8")
    assert command("verify", "--anchors", str(heads)).code == 0
    changed = tmp_path / "changed.jsonl"
    changed.write_text(heads.read_text("utf-8").replace('"number":2', '"number":1'), "utf-8")
    assert "its signature does not fit" in command("verify", "--anchors", str(changed)).err
    assert command("public-key").out.startswith("-----BEGIN PUBLIC KEY-----")
    put_in(servers, said("nobody"))
    told = command("verify", "--anchors", str(heads))
    assert told.code == 1
    assert "the first wrong line: the line at offset 3 is in no chain" in told.err


def test_lines_are_shown_the_newest_first_and_only_those_that_are_meant(command: Command, servers: Settings) -> None:
    written(servers, said("operator-8", on="case-8"), said("operator-9", on="case-8", act="claim"))
    told = command("show", "--on", "case-8", "--since", "1h")
    assert told.out.index("operator-9") < told.out.index("operator-8")
    assert "operator-1" not in told.out
    assert "operator-8" not in command("show", "--on", "case-8", "--act", "cla").out
    assert command("show", "--by", "operator-8", "--json").out.count("\n") == 1
    assert "--before" in command("show", "--most", "1").out
    assert command("show", "--since", "yesterday").code == 2


def test_heads_that_are_none_and_files_that_are_no_bundle_are_said_to_be_so(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no head\n")
    told = command("verify", "--anchors", str(file))
    assert (told.code, "its last line is no signature" in told.err) == (1, True), told
    told = command("check-bundle", str(file))
    assert (told.code, "no zip" in told.err) == (1, True)


def test_another_installation_s_bundle_is_neither_whole_nor_wrong(
    command: Command, servers: Settings, tmp_path: Path
) -> None:
    files = {"case.json": b"{}"}
    for secret, code in ((ring(servers, KeyPurpose.AUDIT).current, 0), (b"another key", 2)):
        manifest = Manifest(
            case=f"r{'a' * 16}-1",
            version=1,
            level=Level.RED,
            at=NOW,
            by="auditor-1",
            reason="检察机关调取",
            installation="quanzu",
            key=fingerprint(secret),
            policies=[],
            files=bundle.sums(files),
            heads=[],
        )
        file = tmp_path / f"{code}.zip"
        file.write_bytes(bundle.packed(files, manifest, secret))
        told = command("check-bundle", str(file))
        assert (told.code, "taken out" in told.out) == (code, True), told


def test_a_file_that_is_there_is_refused_before_anything_is_read_or_recorded(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "bundle.zip"
    file.write_bytes(b"another's")
    told = command("export", "raaaaaaaaaaaaaaaa-1", "--by", "li", "--reason", "a court asks", "--out", str(file))
    assert told.code == 1
    assert "File exists" in told.err, "and not that there is no such case, for which the servers would be asked"
    assert file.read_bytes() == b"another's"


def test_there_is_no_bundle_of_a_case_that_is_not_there(command: Command, tmp_path: Path) -> None:
    told = command("export", f"r{'b' * 16}-1", "--out", str(tmp_path / "x.zip"), "--by", "me", "--reason", "a test")
    assert (told.code, "there is no case" in told.err) == (1, True)
