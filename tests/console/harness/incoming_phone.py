"""A caller's and an operator's real telephone beside the console, with a real voice gateway between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.channels.operator_calls.phones import OperatorPhones
from streams.channels.settings import load as load_channels
from tests.console.harness.stage import Stage
from tests.streams.gateways.voice.centre import running_gateway
from tests.streams.gateways.voice.incoming.line import IncomingLine, taking_calls
from tests.streams.gateways.voice.operators.desk import CONSOLE_KEY
from tests.tools.gateway.baresip import BaresipPhone, baresip_phone


@dataclass
class IncomingPhones:
    """The caller's and the operator's telephone. `port`: at which the gateway takes calls."""

    caller: BaresipPhone
    operator: BaresipPhone
    port: int

    def call(self) -> None:
        """The caller calls the centre."""
        self.caller.dial(f"sip:96110@127.0.0.1:{self.port}")


@asynccontextmanager
async def incoming_phones(
    console: Stage,
    login: str,
    folder: Path,
    more: str = "",
    user: str = "19900001234",
    dials: str = "+86",
    vouched: str = "true",
) -> AsyncIterator[IncomingPhones]:
    """The operator `login` has a telephone that answers at once; the caller's number is `user`, and it answers too.

    `dials`: the prefix of numbers that may be called; `vouched`: whether the trunk verifies the callers' numbers.
    """
    for name in ("operator", "caller"):
        (folder / name).mkdir()
    line = IncomingLine(f"{console.house.settings.receipts_url}/operator-calls")
    async with (
        baresip_phone(folder / "operator") as operator,
        baresip_phone(folder / "caller", user=user) as caller,
    ):
        file = taking_calls(folder, line, caller.port, operator.port, f"sender_is_vouched = {vouched}\n{more}")
        text = file.read_text("utf-8").replace("wang = ", f'"{login}" = ').replace('["+86199"]', f'["{dials}"]')
        file.write_text(text, "utf-8")
        (folder / "secret").write_bytes(load_channels().receipt_keys(console.house.settings)["voice"][0])
        async with running_gateway(line.gateway, file):
            phones = OperatorPhones(line.gateway.gateway, (CONSOLE_KEY,))
            assert await phones.look()
            console.services.phones = phones
            try:
                yield IncomingPhones(caller, operator, line.port)
            finally:
                console.services.phones = None
