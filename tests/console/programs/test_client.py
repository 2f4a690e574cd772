"""The client of docs/how-to/programs.md, run unchanged with a real intake and a real console."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.web.auth import tokens
from schemas.people.staff import Scope, StaffRole
from streams.intake.settings import embedded_key
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.signals import confirmed

PAGE = (Path(__file__).parents[3] / "docs/how-to/programs.md").read_text("utf-8")
PAYEE, WALL = "6200000000000001", "datetime.now(UTC)"


async def _token(console: Stage) -> str:
    account, now = await console.account(StaffRole.SERVICE), datetime.now(UTC)
    wanted = tokens.TokenWish("a test", [Scope.READ_CASES], now + timedelta(days=1), "admin", "second")
    token, kept = tokens.make(account, wanted, now)
    await console.services.staff.put_token(kept)
    return token


async def test_the_client_of_the_page_sends_a_signal_and_reads_the_red_case_that_comes_of_it(console: Stage) -> None:
    line = console.line()
    resident = await line.resident()
    await line.signal(confirmed(line, PAYEE))
    code = PAGE.partition("## In ten lines")[2].partition("```python\n")[2].partition("```")[0]
    assert WALL in code  # the line's clock is moved by hand
    code = code.replace(WALL, f"datetime.fromisoformat('{line.house.clock.now().isoformat()}')")
    env = {
        "INTAKE": str(line.house.intake.base_url),
        "CONSOLE": console.address,
        "ACCOUNT": resident.accounts[0].value,
        "FEED_KEY": embedded_key(line.house.settings),
        "TOKEN": await _token(console),
    }
    await _run(code, env)
    await line.settle()
    case = await line.case(resident)
    await console.services.hub.ready.wait()
    told = await _run(code, env)
    assert told.startswith("{'accepted': 1, 'ids': ['t2']}")
    assert case.id in told
    await line.end()


async def _run(code: str, env: dict[str, str]) -> str:
    pipe = asyncio.subprocess.PIPE
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=env, stdout=pipe, stderr=pipe)
    out, err = await client.communicate()
    assert client.returncode == 0, err.decode()
    return out.decode()
