"""Push messages to officers' browsers: encrypted, signed, sent to permitted addresses only, and what answers mean."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from domain.access.key_rings import KeyPurpose, text_of_rings
from schemas.levels import Level
from schemas.people.escalations import PushSubscription
from streams.channels import push
from streams.channels.push import PushMessage, PushResult, PushSender
from streams.channels.push_encryption import (
    check_subscription,
    derived_vapid_key,
    encrypted,
    new_vapid_key,
    public,
    vapid_key,
)
from streams.channels.settings import ChannelSettings
from streams.messaging.producer import SendError
from streams.repositories.escalations import PushSubscriptions, opaque_id
from streams.runtime.settings import Settings, SettingsError
from streams.security.installation_keys import ring
from tests.channel_rig import Rig, rigged
from tests.dispatched import NOW
from tests.tools.push_service import HANGS, Browser, PushService, claims, plain, push_service, text_of

MESSAGE = PushMessage(b'{"code":"task_waits"}', Level.RED, topic=opaque_id("a task"))


@dataclass(frozen=True)
class Pushing:
    """A sender, and the push service of the one device that is subscribed."""

    sender: PushSender
    subscriptions: PushSubscriptions
    service: PushService
    browser: Browser
    device: PushSubscription

    async def send(self) -> PushResult:
        return await self.sender.send(self.device, MESSAGE)


def subscription(subscriptions: PushSubscriptions, endpoint: str, browser: Browser) -> PushSubscription:
    return PushSubscription(
        id=opaque_id(endpoint),
        login="wang",
        officer="p-1",
        epoch=0,
        session="0" * 64,
        made_at=NOW,
        sealed=subscriptions.sealed(endpoint, **browser.keys),
    )


def sender_of(rig: Rig, *, embedded: bool = True, **channels: object) -> PushSender:
    keys = text_of_rings({purpose: ring(rig.settings, purpose) for purpose in KeyPurpose})  # those of the book
    settings = rig.settings.model_copy(update={"embedded": embedded, "keys": SecretStr(keys)})
    book = PushSubscriptions(settings, rig.redis, rig.producer)
    return PushSender(settings, ChannelSettings.model_validate(channels), book, rig.clock)


@pytest_asyncio.fixture
async def pushing(settings: Settings) -> AsyncIterator[Pushing]:
    async with rigged(settings) as rig, push_service() as service:
        book, browser = PushSubscriptions(rig.settings, rig.redis, rig.producer), Browser()
        device = subscription(book, service.endpoint(), browser)
        await book.put(device)
        yield Pushing(sender_of(rig), book, service, browser, device)


async def test_a_message_arrives_encrypted_signed_and_with_its_urgency(pushing: Pushing) -> None:
    assert await pushing.send() is PushResult.TAKEN
    [got] = pushing.service.got
    assert pushing.browser.opened(got.body) == MESSAGE.body
    assert MESSAGE.body not in got.body
    assert got.headers["content-encoding"] == "aes128gcm"
    assert (got.headers["ttl"], got.headers["urgency"], got.headers["topic"]) == ("300", "high", MESSAGE.topic)
    found = claims(got, pushing.service.address, pushing.sender.public_key)
    assert found["sub"].startswith("mailto:")
    assert time.time() < found["exp"] <= time.time() + 24 * 3600


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_has_ended_is_deleted(pushing: Pushing, status: int) -> None:
    pushing.service.then(status)
    assert await pushing.send() is PushResult.GONE
    assert await pushing.subscriptions.all() == []


async def test_a_subscription_that_has_ended_and_cannot_be_deleted_is_no_error_of_the_message(
    pushing: Pushing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refused(_: PushSubscriptions, name: str) -> None:
        raise SendError(name)

    monkeypatch.setattr(PushSubscriptions, "drop", refused)
    pushing.service.then(410)
    assert await pushing.send() is PushResult.GONE
    assert "was not deleted" in caplog.text


@pytest.mark.parametrize("status", [301, 400, 403, 413])
async def test_a_refusal_is_final_and_the_device_stays(pushing: Pushing, status: int) -> None:
    pushing.service.then(status)
    assert await pushing.send() is PushResult.REFUSED
    assert len(pushing.service.got) == 1
    assert len(await pushing.subscriptions.all()) == 1


@pytest.mark.parametrize("location", ["https://push.example/\x01", "https://xn--a/", "https://[v1.a]/"])
async def test_an_answer_that_leads_to_no_address_is_no_answer(pushing: Pushing, location: str) -> None:
    pushing.service.location = location
    pushing.service.then(302)
    assert await pushing.send() is PushResult.UNREACHED
    assert len(pushing.service.got) == 1


@pytest.mark.parametrize("endpoint", ["https://push.example/\x01", "https://xn--a/", "https://[v1.a]/"])
async def test_a_device_whose_endpoint_is_no_address_is_sent_nothing(pushing: Pushing, endpoint: str) -> None:
    stored = subscription(pushing.subscriptions, endpoint, pushing.browser)
    assert await pushing.sender.send(stored, MESSAGE) is PushResult.FORBIDDEN


async def test_a_fault_in_sending_is_the_devices_result(pushing: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fault(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("streams.channels.pinned.PinnedTransport._address", fault)
    assert await pushing.send() is PushResult.UNREACHED


async def test_a_service_that_asks_to_wait_is_asked_once_more(pushing: Pushing) -> None:
    pushing.service.then((429, "1"), 201)
    began = time.monotonic()
    assert await pushing.send() is PushResult.TAKEN
    assert time.monotonic() - began >= 1
    pushing.service.then(500, 503, 201)
    assert await pushing.send() is PushResult.LATER
    assert len(pushing.service.got) == 4


@pytest.mark.parametrize("later", ["60", "Wed, 21 Oct 2026 07:28:00 GMT", "-1"])
async def test_a_long_wait_is_not_waited_for(pushing: Pushing, later: str) -> None:
    pushing.service.then((429, later))
    assert await pushing.send() is PushResult.LATER
    assert len(pushing.service.got) == 1


async def test_a_service_that_hangs_is_given_up_in_time_for_the_text_message(
    pushing: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert push.DEVICE_SECONDS <= 8, "text message and call begin within ten seconds"
    monkeypatch.setattr(push, "DEVICE_SECONDS", 0.5)
    pushing.service.then(HANGS)
    assert await pushing.send() is PushResult.UNREACHED
    assert len(await pushing.subscriptions.all()) == 1


async def test_keys_of_another_secret_end_the_subscription(pushing: Pushing) -> None:
    spoilt = pushing.device.model_copy(update={"sealed": "a.b.c.d.e"})
    assert await pushing.sender.send(spoilt, MESSAGE) is PushResult.GONE
    assert pushing.service.got == []


async def test_nothing_is_sent_inside_the_network(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rigged(settings) as rig, push_service() as service:
        sender = sender_of(rig, embedded=False, push_key=new_vapid_key())
        book = PushSubscriptions(rig.settings, rig.redis, rig.producer)
        for endpoint in (service.endpoint(), f"https://localhost:{service.address.rpartition(':')[2]}/push/a"):
            assert not sender.permitted(endpoint)
            result = await sender.send(subscription(book, endpoint, Browser()), MESSAGE)
            assert result is PushResult.FORBIDDEN
        named = subscription(book, "https://push.example/a", Browser())  # a name that leads inside
        monkeypatch.setattr("streams.channels.pinned.PinnedTransport._address", _inside)
        assert await sender.send(named, MESSAGE) is PushResult.FORBIDDEN
        assert service.got == []


async def _inside(*_: object) -> None:
    from streams.channels.pinned import ForbiddenDestinationError

    raise ForbiddenDestinationError("the host has an address that is not permitted")


@pytest.mark.parametrize(
    ("endpoint", "trial", "may"),
    [
        ("https://fcm.googleapis.com/fcm/send/a", False, True),
        ("http://fcm.googleapis.com/fcm/send/a", True, False),
        ("https://10.1.2.3/a", False, True),
        ("https://10.1.2.4/a", False, False),
        ("https://169.254.169.254/a", True, False),
        ("https://[::1]/a", False, False),
        ("http://127.0.0.1:9/a", False, False),
        ("http://127.0.0.1:9/a", True, True),
        ("https://user@push.example/a", False, False),
        ("https://push.example:port/a", False, False),
        ("https:///a", False, False),
        ("file:///etc/passwd", True, False),
        ("https://push.example/" + "a" * 1024, False, False),
        ("https://push.exämple/a", False, False),
        ("https://push.example/\x01", False, False),
        ("https://push.example/\udc80", False, False),
        ("https://xn--a/", False, False),
        ("https://[v1.a]/", False, False),
    ],
)
async def test_only_push_services_outside_the_network_are_endpoints(
    settings: Settings, endpoint: str, trial: bool, may: bool
) -> None:
    plain_settings = settings.model_copy(update={"embedded": trial})
    channels = ChannelSettings.model_validate({"push_key": new_vapid_key(), "push_addresses": "10.1.2.3"})
    sender = PushSender(plain_settings, channels, PushSubscriptions(settings, None, None), None)  # type: ignore[arg-type]
    assert sender.permitted(endpoint) is may


def test_the_encryption_is_that_of_the_standards_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8291, appendix A: the same keys and salt give the same bytes."""
    sender = ec.derive_private_key(
        int.from_bytes(plain("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    monkeypatch.setattr("cryptography.hazmat.primitives.asymmetric.ec.generate_private_key", lambda _: sender)
    monkeypatch.setattr("secrets.token_bytes", lambda _: plain("DGv6ra1nlYgDCS1FRnbzlw"))
    found = encrypted(
        b"When I grow up, I want to be a watermelon",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    )
    assert text_of(found) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_keys_that_are_no_points_are_refused() -> None:
    good = Browser().keys
    check_subscription(**good)
    for wrong in ({"p256dh": text_of(b"\x04" + b"\x01" * 64)}, {"auth": text_of(b"short")}, {"p256dh": "!"}):
        with pytest.raises(ValueError):  # noqa: PT011 - of cryptography, base64 or ours
            check_subscription(**(good | wrong))


def test_a_new_key_is_one_and_a_trials_is_always_the_same() -> None:
    assert public(vapid_key(new_vapid_key())) != public(vapid_key(new_vapid_key()))
    assert public(derived_vapid_key(b"a")) == public(derived_vapid_key(b"a")) != public(derived_vapid_key(b"b"))


def test_without_a_key_no_messages_are_sent_and_a_wrong_one_is_named(settings: Settings) -> None:
    plain_settings = settings.model_copy(update={"embedded": False})
    assert ChannelSettings().vapid(plain_settings) is None
    with pytest.raises(SettingsError, match="QUANZU_PUSH_KEY"):
        ChannelSettings.model_validate({"push_key": "no key"}).vapid(plain_settings)
