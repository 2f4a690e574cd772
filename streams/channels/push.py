"""Push messages to officers' browsers (RFC 8030): permitted destinations, sending, and the meaning of the answers."""

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
from prometheus_client import Counter

from domain.access.webhooks import may_send_to
from schemas.levels import Level
from schemas.people.escalations import PushSubscription
from streams.channels import push_encryption
from streams.channels.pinned import ForbiddenDestinationError, PinnedTransport
from streams.channels.settings import ChannelSettings
from streams.repositories.escalations import PushSubscriptions
from streams.repositories.staff import Staff
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.runtime.tasks import without_values

log = logging.getLogger(__name__)

DROP_SECONDS = 2.0  # for the deletion of a device that has ended: a notice to another device must not wait for it
DEVICE_SECONDS = 6.0  # for one device, repetitions included: then text message and call begin
ANY_PORT = range(1, 65536)  # a push service of one's own may listen on any
TRIES = 2
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 2.0  # a longer Retry-After is not waited for
LONGEST_ENDPOINT = 1024
URGENCY = {Level.RED: "high", Level.ORANGE: "high", Level.YELLOW: "normal", Level.BLUE: "low"}
TTL_SECONDS = {Level.RED: 300, Level.ORANGE: 1800, Level.YELLOW: 14_400, Level.BLUE: 14_400}  # assumed
_GONE = frozenset({404, 410})
_LATER = frozenset({429, 500, 502, 503, 504})

PUSHES = Counter("quanzu_pushes_total", "Push messages to officers' devices, by the push service's answer", ["result"])


class PushResult(StrEnum):
    """The result of sending a message to one device.

    TAKEN: the push service accepts it; GONE: the subscription has ended, or its stored keys cannot be used; REFUSED:
    the service does not accept it; LATER: the service asks to wait; UNREACHED: no answer in time, or an error here;
    FORBIDDEN: nothing may be sent to this address, or this installation has no key for push messages.
    """

    TAKEN = "taken"
    GONE = "gone"
    REFUSED = "refused"
    LATER = "later"
    UNREACHED = "unreached"
    FORBIDDEN = "forbidden"


for _result in PushResult:  # a series that begins with its first event has no rate of it
    PUSHES.labels(_result)


@dataclass(frozen=True, slots=True)
class PushMessage:
    """A push message.

    `body`: read by the page's service worker; no personal data. `level`: decides urgency and lifetime.

    `topic`: a newer message of the same topic replaces one that is not delivered yet (at most 32 characters of
    base64url).
    """

    body: bytes
    level: Level
    topic: str

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers, by name: how many seconds the push service stores the message (TTL, as text), its urgency,
        its topic and its encoding.
        """
        ttl, urgency = str(TTL_SECONDS[self.level]), URGENCY[self.level]
        return {"TTL": ttl, "Urgency": urgency, "Topic": self.topic, "Content-Encoding": "aes128gcm"}


async def devices_of(officer: str, subscriptions: PushSubscriptions, staff: Staff) -> list[PushSubscription]:
    """Return the devices of an officer (their id on the roster) that get push messages, the newest first; empty if
    there is none.

    Deletes the devices of an account that is disabled or deleted, is no longer this officer's, or signed out
    everywhere. An error of a deletion is logged, also if it takes over 2 s; the next call tries again. Raises
    ValueError if a stored device or account is invalid. Errors of Redis pass through.
    """
    found = []
    for each in await subscriptions.of_officer(officer):
        account = await staff.get(each.login)
        if account and not account.disabled and account.officer == officer and account.epoch == each.epoch:
            found.append(each)
        else:
            await _drop(subscriptions, each)
    return found


class PushSender:
    """Sends push messages. Without a key (QUANZU_PUSH_KEY) it sends none, and `public_key` is ""."""

    def __init__(
        self, settings: Settings, channels: ChannelSettings, subscriptions: PushSubscriptions, clock: Clock
    ) -> None:
        """Raises SettingsError if the key is invalid."""
        self._key, self._contact = channels.vapid(settings), channels.push_contact
        self._private, self._trial = channels.push_private(), settings.embedded
        self._subscriptions, self._clock = subscriptions, clock
        self.public_key = push_encryption.public(self._key) if self._key else ""

    def permitted(self, endpoint: str) -> bool:
        """Return True if messages may be sent to this endpoint (a URL), as far as its text shows: https, no user name,
        at most 1,024 ASCII characters, and no address inside the network that the settings do not permit. Returns False
        otherwise, also if it cannot be parsed.

        A host name is checked again when it is resolved. In a trial installation, http to this machine is permitted.
        """
        try:
            place = urlsplit(endpoint)
            host, _ = place.hostname or "", place.port
            _ = httpx.URL(endpoint).host  # what the client cannot parse cannot be sent to either
        except (httpx.InvalidURL, ValueError):  # idna's errors are ValueErrors
            return False
        if len(endpoint) > LONGEST_ENDPOINT or not endpoint.isascii() or not host or place.username is not None:
            return False
        try:
            address = ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            return place.scheme == "https"
        local = self._trial and address.is_loopback and place.scheme == "http"
        return (place.scheme == "https" or local) and may_send_to(address, self._private, self._trial)

    async def send(self, subscription: PushSubscription, message: PushMessage) -> PushResult:
        """Send a message to one device, within 6 s, and return the result. A subscription that has ended (GONE) is
        deleted.

        Every error with a device becomes its result, so that it does not affect other devices or the text message. An
        error of the deletion is logged: the next message to this device tries it again.
        """
        try:
            async with asyncio.timeout(DEVICE_SECONDS):
                result = await self._send(subscription, message)
        except TimeoutError:
            result = PushResult.UNREACHED
        except Exception as error:
            log.error("a push message was not sent: %s", without_values(error))  # noqa: TRY400 - its text has the endpoint
            result = PushResult.UNREACHED
        PUSHES.labels(result).inc()
        if result is PushResult.GONE:
            await _drop(self._subscriptions, subscription)
        return result

    async def _send(self, subscription: PushSubscription, message: PushMessage) -> PushResult:
        if self._key is None:
            return PushResult.FORBIDDEN
        try:
            endpoint, p256dh, auth = self._subscriptions.opened(subscription)
            content = push_encryption.encrypted(message.body, p256dh, auth)
        except ValueError as error:  # its keys are of another secret, or invalid: the page makes a new one
            log.warning("a push subscription cannot be used and is deleted: %s", without_values(error))
            return PushResult.GONE
        if not self.permitted(endpoint):
            return PushResult.FORBIDDEN
        signed = push_encryption.proof(self._key, endpoint, self._contact, self._clock.wall.time())
        headers = message.headers | {"Authorization": signed, "Content-Type": "application/octet-stream"}
        transport = PinnedTransport(self._private, self._trial, ANY_PORT)
        async with httpx.AsyncClient(transport=transport, timeout=DEVICE_SECONDS, follow_redirects=False) as client:
            for attempt in range(1, TRIES + 1):
                result, pause = await _post(client, endpoint, content, headers)
                if pause is None or attempt == TRIES:
                    break
                await asyncio.sleep(pause)
        return result


async def _post(
    client: httpx.AsyncClient, endpoint: str, content: bytes, headers: dict[str, str]
) -> tuple[PushResult, float | None]:
    """Send one request.

    Return its result, and the seconds after which it may be repeated; None: it may not be repeated.

    The answer's body is not read, because it has nothing of use.
    """
    try:
        async with client.stream("POST", endpoint, content=content, headers=headers) as answer:
            status, asked = answer.status_code, answer.headers.get("Retry-After", "")
    except ForbiddenDestinationError:
        return PushResult.FORBIDDEN, None
    except httpx.ConnectError:
        return PushResult.UNREACHED, PAUSE_SECONDS
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):  # the latter two: httpx parses even a Location unfollowed
        return PushResult.UNREACHED, None
    if 200 <= status < 300:
        return PushResult.TAKEN, None
    if status in _GONE:
        return PushResult.GONE, None
    return (PushResult.LATER, _pause(asked)) if status in _LATER else (PushResult.REFUSED, None)


async def _drop(subscriptions: PushSubscriptions, ended: PushSubscription) -> None:
    try:
        async with asyncio.timeout(DROP_SECONDS):
            await subscriptions.drop(ended.id)
    except Exception as error:
        log.error("an ended push subscription was not deleted: %s", without_values(error))  # noqa: TRY400 - its text may have the endpoint


def _pause(asked: str) -> float | None:
    """Return the seconds of a Retry-After header, PAUSE_SECONDS without one; None if it is invalid or longer than
    LONGEST_PAUSE_SECONDS.
    """
    if not asked:
        return PAUSE_SECONDS
    seconds = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else LONGEST_PAUSE_SECONDS + 1
    return seconds if seconds <= LONGEST_PAUSE_SECONDS else None
