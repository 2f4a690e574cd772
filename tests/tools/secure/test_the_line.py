"""Every component does its work with its own users' rights, over TLS: from a signal to a contact and its receipt."""

import json
import ssl
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.casework.cases import Case
from streams.monitoring.exporter.exporter import METRIC_GROUPS
from streams.security.rights import Component
from streams.state.keys import key
from tests.tools.secure.installation import BAD, FEEDS, KEYS, QUANZU, Installation, port
from tests.tools.servers.certificates import Certificate
from tests.tools.servers.process import wait_for

UP = ("quanzu_kafka_up", "quanzu_redis_up", "quanzu_cases_known")


@dataclass
class Running:
    """All processes of an installation, and the addresses of those that are spoken to."""

    made: Installation
    intake: str
    console: str
    health: str
    metrics: str
    certificates: dict[str, Certificate]
    logs: list[Path]

    def client(
        self, feed: str | None, *, ca: Path | None = None, certificate: Certificate | None = None
    ) -> httpx.Client:
        """A feed's; with its own certificate, or with another's."""
        context = ssl.create_default_context(cafile=str(ca or self.made.ours.ca))
        shown = certificate or (self.certificates[feed] if feed else None)
        if shown:
            context.load_cert_chain(shown.certificate, shown.key)
        headers = {"Authorization": f"Bearer {KEYS[feed]}"} if feed else {}
        return httpx.Client(base_url=self.intake, verify=context, headers=headers, timeout=20)

    def get(self, address: str) -> httpx.Response:
        with self.client(None) as client:
            return client.get(address)


def answers(running: Running, address: str) -> bool:
    try:
        return running.get(address).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def running(installation: Installation) -> Iterator[Running]:
    """Providers, worker, intake and console, each a process with its own user."""
    made = installation
    made.redis.forget_denials()  # those that the tests of refusals provoked, when they ran before in this process
    server = made.ours.issue("https")
    keys = ",".join(f"{feed}:{sha256(word.encode()).hexdigest()}" for feed, word in KEYS.items())
    ports = {name: port() for name in ("intake", "console", "worker", "exporter")}
    address = f"https://127.0.0.1:{ports['intake']}"
    receipts = {"RECEIPTS_URL": f"{address}/receipts", "API_KEYS": keys}
    served = {"INTAKE_CERTIFICATE": str(server.certificate), "INTAKE_KEY": str(server.key)}
    shown = {"CONSOLE_CERTIFICATE": str(server.certificate), "CONSOLE_KEY": str(server.key)}
    with ExitStack() as stack:
        logs = []

        def start(name: str, environment: dict[str, str], *command: str) -> Path:
            logs.append(stack.enter_context(made.running(name, environment, *command)))
            return logs[-1]

        # The providers' own processes trust the authority of intake's certificate.
        plain = made.environment(Component.OPERATOR, **receipts) | {"SSL_CERT_FILE": str(made.ours.ca)}
        told = start("providers", plain, sys.executable, "-m", "simulators.providers")
        wait_for(lambda: "STATION_URL" in told.read_text(), "the providers")
        pairs = (pair for line in told.read_text().splitlines() for pair in line.split()[1:])
        urls = {name.removeprefix("QUANZU_"): value for name, value in (pair.split("=", 1) for pair in pairs)}
        work = made.environment(Component.WORKER, METRICS_PORT=ports["worker"], **receipts, **urls)
        start("worker", work, *QUANZU, "worker")
        own = {"HTTP_PORT": ports["intake"], "INTAKE_CLIENT_CA": str(made.ours.ca), **receipts, **served}
        start("intake", made.environment(Component.INTAKE, **own), *QUANZU, "intake", "serve")
        desk = made.environment(Component.CONSOLE, CONSOLE_PORT=ports["console"], **shown)
        start("console", desk, *QUANZU, "console", "serve")
        look = made.environment(Component.EXPORTER, EXPORTER_PORT=ports["exporter"])
        start("exporter", look, *QUANZU, "metrics", "serve")
        found = Running(
            made,
            address,
            f"https://127.0.0.1:{ports['console']}",
            f"http://127.0.0.1:{ports['worker']}",
            f"http://127.0.0.1:{ports['exporter']}/metrics",
            {feed: made.ours.issue(feed, feed) for feed in FEEDS},
            logs,
        )
        for where in (f"{found.health}/readyz", f"{found.intake}/readyz", f"{found.console}/readyz", found.metrics):
            wait_for(lambda where=where: answers(found, where), f"{where}; see {made.folder}")  # type: ignore[misc]
        yield found


def cases(made: Installation) -> list[Case]:
    with made.redis.client() as hand:
        raw: list[Any] = [value for partition in range(2) for value in hand.hvals(key("cases", partition))]
    return [Case.model_validate_json(each) for each in raw]


def somebody(made: Installation) -> str:
    """Enter people as an operator does, and give an account of one of them."""
    people = made.folder / "people.csv"
    operator = made.environment(Component.OPERATOR)
    for words in (("residents", "example", str(people)), ("residents", "import", str(people))):
        done = made.quanzu(operator, *words)
        assert done.returncode == 0, done.stderr
    return people.read_text().splitlines()[2].split(",")[3]


def signals(payer: str) -> tuple[dict[str, object], dict[str, object]]:
    now, mule = datetime.now(UTC).isoformat(), "6200000000000001"
    moved: dict[str, object] = {
        "kind": "transfer",
        "source": "bank",
        "id": "t1",
        "at": now,
        "payer": payer,
        "payee": mule,
    }
    moved |= {"amount_fen": 5_000_000, "channel": "mobile_bank", "state": "pending"}
    known: dict[str, object] = {"kind": "watchlist", "source": "police", "id": "w1", "at": now}
    known |= {"subject": "account", "value": mule}
    return moved, known | {"state": "confirmed", "scam_type": "investment"}


def unseen(running: Running) -> list[object]:
    """The exporter's looks that did not succeed, and what it must have seen and does not tell."""
    families = {each.name: each.samples for each in text_string_to_metric_families(running.get(running.metrics).text)}
    looks = {each.labels["look"] for each in families["quanzu_exporter_look_timestamp_seconds"]}
    failed = [each for each in families["quanzu_exporter_failures"] if each.name.endswith("_total") and each.value]
    told = {name: families[name][0].value for name in UP if name in families}
    return [*({look.name for look in METRIC_GROUPS} - looks), *failed, *(name for name in UP if told.get(name) != 1)]


def test_a_signal_becomes_a_contact_and_its_receipt_with_no_right_to_spare(running: Running) -> None:
    made = running.made
    for feed, signal in zip(FEEDS, signals(somebody(made)), strict=True):
        with running.client(feed) as client:
            accepted = client.post("/signals", json=[signal])
            assert accepted.status_code == 202, accepted.text
    wait_for(lambda: "delivered" in str([case.model_dump(mode="json") for case in cases(made)]), "a receipt")
    (case,) = cases(made)
    told = made.quanzu(made.environment(Component.OPERATOR), "case", "show", case.id)
    assert "Flash SMS" in told.stdout, told.stderr
    keys = {"API_KEYS": f"bank:{'0' * 64}"}
    looked = made.quanzu(made.environment(Component.DOCTOR, **keys), "doctor")
    assert (looked.returncode, "BAD" in looked.stdout) == (0, False), looked.stdout + looked.stderr
    now = made.quanzu(made.environment(Component.DOCTOR, **keys), "doctor", "--now", "--json")
    assert json.loads(now.stdout)["missed"] is False, now.stdout + now.stderr
    wait_for(lambda: not unseen(running), "each look of the exporter")
    page = running.get(f"{running.console}/sign-in")
    assert (page.status_code, "strict-transport-security" in page.headers) == (200, True)
    assert made.redis.denials() == []
    assert not [(log.name, bad) for log in running.logs for bad in BAD if bad in log.read_text()]


def test_a_feed_is_known_by_its_certificate_and_by_its_key(running: Running) -> None:
    bank = [signals("6200000000000009")[0] | {"id": "t9"}]
    headers = {"Authorization": f"Bearer {KEYS['bank']}"}
    with running.client(None) as nobody:
        bare = nobody.post("/signals", json=bank, headers=headers)
    with running.client("bank", certificate=running.certificates["police"]) as another:
        stolen = another.post("/signals", json=bank)
    assert (bare.status_code, stolen.status_code) == (403, 403)
    assert bare.json()["error"] == "no client certificate was shown, and the key is of the source bank"
    assert stolen.json()["error"].startswith("the certificate is of police")
    assert "issued to bank" in stolen.json()["do"]


@pytest.mark.parametrize("whose", ["a stranger's", "expired"])
def test_a_certificate_that_is_not_valid_opens_no_connection(running: Running, whose: str) -> None:
    made = running.made
    strange = made.strangers.issue("bank", "bank") if whose != "expired" else made.ours.issue("b", "bank", expired=True)
    with running.client("bank", certificate=strange) as client, pytest.raises(httpx.TransportError):
        client.post("/signals", json=[])


@pytest.mark.parametrize("address", ["intake", "console"])
def test_what_is_served_over_tls_is_not_served_openly_nor_to_who_does_not_know_it(
    running: Running, address: str
) -> None:
    where = str(getattr(running, address))
    with pytest.raises(httpx.TransportError):
        httpx.get(where.replace("https", "http") + "/healthz")
    with (
        running.client(None, ca=running.made.strangers.ca) as stranger,
        pytest.raises(httpx.ConnectError, match="CERT"),
    ):
        stranger.get(f"{where}/healthz")
