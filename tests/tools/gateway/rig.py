"""The SMS gateway as a process between a carrier (jSMPP, or sms-core for CMPP) and a stand-in for Quanzu, which takes
signed receipts and replies.
"""

import asyncio
import random
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.carriers.protocols import CarrierProtocol
from simulators.providers import serving
from streams.channels.provider import KEY_HEADER
from streams.channels.signing import NONCE, SignedMessage, sign, verify
from streams.runtime.embedded import free_port
from tests.tools.servers.kafka import jars
from tests.tools.servers.process import Process, need

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
KEY = b"key-of-the-sms-provider"
PASSWORD = "carrier1"
JAVA = ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
QUERY = "query_seconds = 2\n"  # each thirteenth receipt never comes, or late
PEERS: dict[CarrierProtocol, tuple[str, Path, list[str]]] = {
    CarrierProtocol.SMPP: ("Smsc", HERE / "Smsc.java", []),
    CarrierProtocol.CMPP2: ("Ismg", HERE / "cmpp" / "Ismg.java", ["20"]),
    CarrierProtocol.CMPP3: ("Ismg", HERE / "cmpp" / "Ismg.java", ["30"]),
}
"""By protocol: the carrier's class, its source, and the arguments that state the version."""
PHONE = "+8610000"  # 10 is no mobile range: nobody has such a number


@dataclass
class Quanzu:
    """A stand-in for Quanzu's receipts. `told`: how often each result of each dispatch came; `replies`: of
    telephones, by id; `away`: the share of requests that it answers with 503.
    """

    away: float = 0.0
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    replies: dict[str, dict[str, str]] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    news: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def take(self, request: Request) -> Response:
        """Take a receipt. Raises SignatureError if it is not signed with the key."""
        try:
            body = await request.body()
        except ClientDisconnect:  # the gateway was killed
            return Response(status_code=400)
        verify([KEY], request.headers, SignedMessage("sms", request.url.path, body), time.time())
        if request.headers[NONCE] in self.nonces:
            return JSONResponse({"reason": "replayed"}, 409)
        if self.chance.random() < self.away:
            return JSONResponse({"reason": "away"}, 503)
        self.nonces.add(request.headers[NONCE])
        receipt = orjson.loads(body)
        if request.url.path.endswith("/replies"):
            self.replies[receipt["id"]] = receipt
            self.news.set()
            return JSONResponse({"taken": True})
        self.told[receipt["dispatch"], receipt["result"]] += 1
        self.news.set()
        return JSONResponse({"input": "taken"})


@dataclass(frozen=True)
class Wired:
    """A segment that the carrier took from the wire."""

    port: int
    id: str
    coding: int
    esm_class: int
    phone: str
    content: bytes
    more: str = ""
    """Of CMPP: Msg_src, Service_Id, Fee_UserType, FeeType, FeeCode, Src_Id, Registered_Delivery; of SMPP: when, in
    milliseconds since 1970.
    """


@dataclass
class Rig:
    """All of it. `smsc`: the carrier's process; `gateway`: ours; `ports`: of the carriers; `url`: of the gateway."""

    folder: Path
    quanzu: Quanzu
    smsc: Process
    gateway: Process
    ports: Sequence[int]
    url: str
    client: httpx.AsyncClient

    async def order(self, key: str, text: str, phone: str = PHONE + "0001", *, flash: bool = False) -> httpx.Response:
        """Send an order as Quanzu does."""
        body = orjson.dumps({"to": phone, "text": text, "flash": flash, "action": "sms"})
        signed = sign(KEY, SignedMessage("sms", "/sms", body), time.time(), secrets.token_hex(12))
        return await self.client.post(f"{self.url}/sms", content=body, headers={KEY_HEADER: key, **signed})

    async def ask(self, key: str) -> int:
        """Ask about an order as Quanzu does. Returns the status."""
        path = f"/sms/{key}"
        signed = sign(KEY, SignedMessage("sms", path, b"", "GET"), time.time(), secrets.token_hex(12))
        return (await self.client.get(f"{self.url}{path}", headers=signed)).status_code

    def wired(self) -> list[Wired]:
        """Return what the carriers took from the wire, in this order."""
        return wire_log(self.folder)

    def reply(self, *messages: tuple[str, bytes, int, bool, int], port: int | None = None) -> None:
        """Let a telephone write to us: its number, content, coding, whether that begins with a header, and the id that
        CMPP gives the delivery.
        """
        lines = [
            f"{phone} 10690000 {coding} {int(header)} {content.hex()} {named:x}\n"
            for phone, content, coding, header, named in messages
        ]
        made = self.folder / "reply.new"
        made.write_text("".join(lines))
        made.rename(self.folder / f"reply-{port or self.ports[0]}")

    async def until_replies(self, number: int) -> list[dict[str, str]]:
        """Return the replies that Quanzu was told of, once they are so many."""
        while len(self.quanzu.replies) < number:
            self.quanzu.news.clear()
            await self.quanzu.news.wait()
        return list(self.quanzu.replies.values())

    async def until_ready(self) -> None:
        """Return when the gateway is connected to a carrier."""
        while True:
            try:
                if (await self.client.get(f"{self.url}/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)

    async def until_told(self, dispatch: str, result: str = "delivered") -> None:
        """Return when Quanzu was told the result of a dispatch."""
        while not self.quanzu.told[dispatch, result]:
            self.quanzu.news.clear()
            await self.quanzu.news.wait()


def wire_log(folder: Path) -> list[Wired]:
    """Return what the carriers of a folder took from the wire, in this order."""
    log = folder / "wire.log"
    rows = [line.split(" ") for line in log.read_text().splitlines()] if log.exists() else []
    return [
        Wired(int(row[0]), row[1], int(row[2]), int(row[3]), row[4], bytes.fromhex(row[5]), "".join(row[6:]))
        for row in rows
    ]


@asynccontextmanager
async def rig(
    folder: Path,
    *,
    carriers: int = 1,
    more: str = QUERY,
    carrier: str = "",
    delay: int = 50,
    away: float = 0.0,
    tls: bool = False,
    protocol: CarrierProtocol = CarrierProtocol.SMPP,
) -> AsyncIterator[Rig]:
    """Run it all within the context. `more`, `carrier`: further lines of the configuration, of each carrier;
    `delay`: milliseconds after which the carrier sends receipts; `away`: as in Quanzu; `tls`: to the carrier, of SMPP.
    """
    quanzu, ports, port = Quanzu(away), [free_port() for _ in range(carriers)], free_port()
    smsc = await asyncio.to_thread(carrier_process, folder, ports, delay=delay, tls=tls, protocol=protocol)
    app = Starlette(
        routes=[Route(path, quanzu.take, methods=["POST"]) for path in ("/receipts/sms", "/receipts/sms/replies")]
    )
    async with serving(app) as url, httpx.AsyncClient(timeout=10) as client:
        quanzu.url = f"{url}/receipts/sms"
        secure = f'tls = true\nca = "{folder}/carrier.pem"\n' if tls else "tls = false\n"
        lines = f'{secure}protocol = "{protocol}"\n{carrier}'
        config = configuration(folder, port, quanzu.url, ports, more, lines)
        command = [sys.executable, "-m", "quanzu", "gateway", "sms", "--config", str(config)]
        gateway = Process("gateway", command, folder / "gateway.log", port, {"PYTHONPATH": str(ROOT)})
        try:
            smsc.start()
            gateway.start()
            made = Rig(folder, quanzu, smsc, gateway, ports, f"http://127.0.0.1:{port}", client)
            await made.until_ready()
            yield made
        finally:
            await asyncio.to_thread(gateway.stop)
            smsc.kill()


def carrier_process(
    folder: Path,
    ports: Sequence[int],
    *,
    delay: int = 50,
    tls: bool = False,
    protocol: CarrierProtocol = CarrierProtocol.SMPP,
) -> Process:
    """Return the carrier's process, compiled and not started. `ports`, `delay`, `tls`: as in `rig`."""
    need("javac")
    kind, source, version = PEERS[protocol]
    path = jars(source.parent / "pom.xml")
    compiled = ["javac", "-J-XX:TieredStopAtLevel=1", "-nowarn", "-d", str(folder), "-cp", path, str(source)]
    subprocess.run(compiled, check=True, capture_output=True)
    store = _certificate(folder) if tls else []
    at = [*map(str, ports), *(["tls"] if tls else [])]
    command = [*JAVA, *store, "-cp", f"{path}:{folder}", kind, str(folder), str(delay), *version, *at]
    return Process("smsc", command, folder / "smsc.log", ports[-1])


def _certificate(folder: Path) -> list[str]:
    """Make a certificate of the carrier's for this machine. Returns the options by which Java uses it."""
    need("openssl")
    pem, key, store = folder / "carrier.pem", folder / "carrier.key", folder / "carrier.p12"
    name = ["-subj", "/CN=carrier", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        *name,
        "-keyout",
        str(key),
        "-out",
        str(pem),
    ]
    subprocess.run(made, check=True, capture_output=True)
    kept = [
        "openssl",
        "pkcs12",
        "-export",
        "-in",
        str(pem),
        "-inkey",
        str(key),
        "-out",
        str(store),
        "-passout",
        "pass:carrier",
    ]
    subprocess.run(kept, check=True, capture_output=True)
    return [f"-Djavax.net.ssl.keyStore={store}", "-Djavax.net.ssl.keyStorePassword=carrier"]


def configuration(
    folder: Path,
    port: int,
    receipts: str,
    ports: Sequence[int],
    more: str = "",
    carrier: str = "tls = false\n",
    key: bytes = KEY,
) -> Path:
    """Write the gateway's configuration, with the files that it names. Returns its file. `port`: where it takes orders;
    `ports`: of the carriers; `more`, `carrier`: further lines, of each carrier.
    """
    (folder / "key").write_bytes(key)
    (folder / "password").write_text(PASSWORD)
    for name in ("key", "password"):
        (folder / name).chmod(0o600)
    lines = [
        f'listen_port = {port}\ndata = "{folder}/journal"\nkey_file = "{folder}/key"\nreceipts = "{receipts}"\n{more}'
    ]
    for number, each in enumerate(ports):
        lines.append(
            f'[[carrier]]\nname = "c{number}"\nhost = "127.0.0.1"\nport = {each}\nsystem_id = "quanzu"\n'
            f'password_file = "{folder}/password"\nsender = "10690000"\nprice_fen = {number}\nrate = 1000\n{carrier}'
        )
    config = folder / "gateway.toml"
    config.write_text("\n".join(lines))
    return config
