"""An answer that leads to no address is a failure of the one who gave it: httpx parses a Location even unfollowed."""

import time
from contextlib import suppress

import httpx
import pytest

from schemas.channels.webhooks import Webhook
from schemas.codes.channels import ConnectionLost
from streams.channels.provider import Gateway, Kind, Order, UnknownOutcomeError
from streams.channels.signing import Signer
from streams.channels.webhooks import UNREACHED, Webhooks, WebhookSender, new_id
from streams.runtime.settings import Settings
from tests.dispatched import NOW, dispatch_for

NOWHERE = ["https://program.example/\x01", "https://xn--a/", "https://[v1.a]/"]


def leading_to(location: str) -> httpx.AsyncClient:
    """A client whose requests are all answered with a redirection."""
    return httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(302, headers={"Location": location}))
    )


@pytest.mark.parametrize("location", NOWHERE)
async def test_a_gateways_outcome_is_unknown(location: str) -> None:
    dispatch, order = dispatch_for("r" + "a" * 16), Order("/sms", {})
    async with leading_to(location) as client:
        signer = Signer("sms", {"sms": (b"a key",)}, time.time)
        gateway = Gateway(client, "http://gateway.example", Kind.ASKABLE, signer)
        with pytest.raises(UnknownOutcomeError) as sent:
            await gateway.send(dispatch, order)
        assert isinstance(sent.value.why, ConnectionLost)
        with pytest.raises(UnknownOutcomeError):
            await gateway.ask(dispatch, order)


@pytest.mark.parametrize("location", NOWHERE)
async def test_a_webhooks_program_was_not_reached(settings: Settings, location: str) -> None:
    webhooks = Webhooks(settings, None, None)  # type: ignore[arg-type]  # nothing is stored
    sealed = [webhooks.sealed("a secret that nobody guesses")]
    webhook = Webhook(id=new_id(), url="https://program.example/", secrets=sealed, made_at=NOW, made_by="admin")
    async with leading_to(location) as client:
        found = await WebhookSender(settings, webhooks)._sent(client, webhook, "an-event", b"{}")
        assert found == (0, UNREACHED)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_gateways_order_goes_to_no_other_address(status: int) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(status, headers={"Location": "http://elsewhere.example/sms"})

    signer = Signer("sms", {"sms": (b"a key",)}, time.time)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        gateway = Gateway(client, "http://gateway.example", Kind.ASKABLE, signer)
        with suppress(UnknownOutcomeError):  # 303: it may have done it
            await gateway.send(dispatch_for("r" + "a" * 16), Order("/sms", {}))
    assert asked == ["gateway.example"]
