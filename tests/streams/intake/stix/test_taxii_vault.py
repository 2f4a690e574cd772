"""With a vault, other centres read what a worker shares, although intake has no key of the vault."""

import asyncio
from pathlib import Path

import httpx
from pydantic import SecretStr
from starlette.applications import Starlette

from streams.intake.taxii.collection import collection_id
from streams.intake.taxii.server import TaxiiServer, taxii_routes
from streams.messaging import topics
from streams.messaging.codec import BY_INTAKE, may_be_encrypted
from streams.repositories.shared_suspects import SharedSuspects
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.serving import http_server, serving
from streams.runtime.settings import Settings
from streams.screening.state import records
from streams.security.encrypted_kafka import make_producer, make_readers
from streams.security.rights import RIGHTS, Component
from tests.streams.intake.stix.taxii_line import CENTRE, NOW, ROOT, given, reader, suspect
from tests.tools.installation_keys import KEYS
from tests.tools.servers.redis import RedisServer


async def test_with_a_vault_another_centre_reads_the_suspects_and_their_withdrawals(
    tmp_path: Path, redis_aof: RedisServer
) -> None:
    with Embedded(tmp_path) as servers:
        plain = servers.settings(Settings(app_id="taxii-vault"))
        await asyncio.to_thread(topics.create, plain)
        settings = plain.model_copy(update={"vault": redis_aof.url, "keys": SecretStr(KEYS)})
        worker, readers = make_producer(settings), make_readers(settings, Component.INTAKE)
        shared = SharedSuspects(settings)
        readers.open()
        await worker.start()
        following = asyncio.create_task(shared.run())
        try:
            await worker.send_all(records({}, (), [suspect(1), suspect(2), suspect(2, revoked=True)]))
            app = Starlette(routes=taxii_routes(TaxiiServer(settings, given(), Clock.starting(1, NOW), shared)))
            async with (
                serving(http_server(app), "127.0.0.1", 0, "QUANZU_HTTP_PORT") as address,
                reader(address) as client,
            ):
                found = await _indicators(client, following)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await readers.close()
            await worker.stop()
    assert found == {"62000000" + "00000001": False, "62000000" + "00000002": True}


async def _indicators(client: httpx.AsyncClient, following: "asyncio.Task[None]") -> dict[str, bool]:
    """Return whether each account that is served is withdrawn, once two are served."""
    found: dict[str, bool] = {}
    async with asyncio.timeout(30):
        while len(found) < 2 and not following.done():
            answer = await client.get(f"{ROOT}collections/{collection_id(CENTRE)}/objects/")
            told = answer.json().get("objects", ()) if answer.status_code == 200 else ()
            found = {
                each["pattern"].split("'")[1]: bool(each.get("revoked")) for each in told if each["type"] == "indicator"
            }
            await asyncio.sleep(0.1)
    return found


def test_intake_reads_no_encrypted_topic_but_dead_letters_whose_bytes_it_does_not_show() -> None:
    read = {topic.name for topic in RIGHTS[Component.INTAKE].reads}
    assert {name for name in read if may_be_encrypted(name)} == {topics.DEAD_LETTERS.name}
    assert not read & BY_INTAKE
