"""The attempts to make officers accept visits, and the devices that receive push messages: on the topic `rosters`, and
in Redis.
"""

import hashlib

import orjson

from domain.access.key_rings import KeyPurpose
from schemas.people.escalations import Escalation, PushSubscription
from streams.messaging.topics import ROSTERS
from streams.security import encryption
from streams.security.installation_keys import ring
from streams.state.compacted_table import CompactedTable, Place
from streams.state.keys import ESCALATIONS, PUSH_SUBSCRIPTIONS

PURPOSE = "push"  # the context of the encryption of endpoints and keys


class Escalations(CompactedTable[Escalation]):
    """The attempts to reach the officer of each visit, by the visit's dispatch id."""

    place = Place(ROSTERS, Escalation, ESCALATIONS, prefix="escalation/", name="dispatch")


class PushSubscriptions(CompactedTable[PushSubscription]):
    """The devices that take push messages. Endpoints and keys are encrypted under the installation's key for
    delivery."""

    place = Place(ROSTERS, PushSubscription, PUSH_SUBSCRIPTIONS, prefix="push/")

    async def of_officer(self, officer: str) -> list[PushSubscription]:
        """Return the devices of an officer, the newest first. `officer`: their id on the roster. Raises RedisError if
        Redis is unavailable.
        """
        found = [each for each in await self.all() if each.officer == officer]
        return sorted(found, key=lambda each: each.made_at, reverse=True)

    async def of_login(self, login: str) -> list[PushSubscription]:
        """Return the devices of the account with this login, the newest first. Raises RedisError if Redis is
        unavailable.
        """
        found = [each for each in await self.all() if each.login == login]
        return sorted(found, key=lambda each: each.made_at, reverse=True)

    async def end_session(self, session: str) -> None:
        """Delete the devices that were subscribed in a session, from the topic and Redis, if there are any. `session`:
        the hash of its token. Raises TimeoutError if Kafka does not answer within 8 s, SendError if it refuses the
        record, and RedisError if Redis is unavailable.
        """
        for each in await self.all():
            if each.session == session:
                await self.drop(each.id)

    def sealed(self, endpoint: str, p256dh: str, auth: str) -> str:
        """Return the endpoint (URL) of a device and its two keys, `p256dh` and `auth` of the Push API (base64url),
        encrypted in one text (base64url) for storage. Raises SettingsError if this process has no key for delivery.
        """
        told = orjson.dumps([endpoint, p256dh, auth]).decode()
        return encryption.sealed(ring(self._settings, KeyPurpose.DELIVERY), PURPOSE, told)

    def renewed(self, subscription: PushSubscription) -> PushSubscription:
        """Return a copy of the device with its endpoint and keys encrypted under the key in force. Nothing is stored.

        Raises UnreadableSecretError if they are encrypted under a key that is not among the installation's, and
        SettingsError if this process has no key for delivery.
        """
        keys = ring(self._settings, KeyPurpose.DELIVERY)
        return subscription.model_copy(update={"sealed": encryption.encrypted_anew(keys, PURPOSE, subscription.sealed)})

    def opened(self, subscription: PushSubscription) -> tuple[str, str, str]:
        """Return the decrypted endpoint (URL), and the keys p256dh and auth (base64url), in this order. Raises
        UnreadableSecretError if they are encrypted under a key that is not among the installation's, and SettingsError
        if this process has no key for delivery.
        """
        found = orjson.loads(encryption.opened(ring(self._settings, KeyPurpose.DELIVERY), PURPOSE, subscription.sealed))
        return found[0], found[1], found[2]


def opaque_id(text: str) -> str:
    """Return the first 32 hex digits of a text's SHA-256, as an id that does not reveal the text (an endpoint, or a
    task's dispatch id).
    """
    return hashlib.sha256(text.encode()).hexdigest()[:32]
