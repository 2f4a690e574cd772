"""An operator's own telephone beside the console: a real one, behind a real voice gateway and a trunk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from streams.channels.operator_calls.phones import OperatorPhones
from streams.channels.settings import load as load_channels
from tests.console.harness.stage import Stage
from tests.streams.gateways.voice.centre import Centre, running_gateway
from tests.streams.gateways.voice.operators.desk import CONSOLE_KEY, Desk, configured
from tests.tools.gateway.baresip import BaresipPhone, baresip_phone
from tests.tools.gateway.sipp import SippTrunk, sipp_trunk


@asynccontextmanager
async def desk_phone(
    console: Stage, login: str, folder: Path, scenario: str, more: str = ""
) -> AsyncIterator[tuple[BaresipPhone, SippTrunk]]:
    """The operator `login` has a telephone that answers at once; the trunk does as the scenario says. `more`: further
    lines of the gateway's [operators].
    """
    for name in ("operator", "trunk"):
        (folder / name).mkdir()
    async with (
        baresip_phone(folder / "operator") as operator,
        sipp_trunk(folder / "trunk", scenario) as trunk,
        connected_desk(console, login, folder, trunk.port, operator.port, more),
    ):
        yield operator, trunk


@asynccontextmanager
async def connected_desk(
    console: Stage, login: str, folder: Path, trunk: int, operator: int, more: str = "", colleague: str = "li"
) -> AsyncIterator[None]:
    """A voice gateway between the console and the ports of a trunk and of the operator's telephone, or of an exchange
    that has the colleague's too.
    """
    desk = Desk(f"{console.house.settings.receipts_url}/operator-calls", Centre())
    file = configured(folder, desk, trunk, operator, more=more)
    text = file.read_text("utf-8").replace("wang = ", f'"{login}" = ').replace("li = ", f'"{colleague}" = ')
    text = text.replace('["+86199"]', '["+86"]')
    file.write_text(text, "utf-8")
    (folder / "secret").write_bytes(load_channels().receipt_keys(console.house.settings)["voice"][0])
    async with running_gateway(desk.gateway, file):
        phones = OperatorPhones(desk.gateway.gateway, (CONSOLE_KEY,))
        assert await phones.look()
        console.services.phones = phones
        try:
            yield
        finally:
            console.services.phones = None
