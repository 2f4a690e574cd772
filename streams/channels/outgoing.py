"""Objects that the channels share: recipients, message texts, the dispatch log and HTTP connections."""

import logging
import os
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
from redis.asyncio import Redis

from domain.dispatches.messages import code, render
from domain.experiments.in_case import wording_of
from domain.identity.identifiers import account_token, normal_phone, own_tokens, reach
from domain.policy import Policy
from domain.policy.messages import Wording
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.people.residents import Language, Resident
from streams.channels.dispatch_log import DispatchLog, assumed_current
from streams.channels.households import Households
from streams.channels.settings import ChannelSettings
from streams.channels.signing import Signer
from streams.messaging.producer import Producer
from streams.repositories.policies import Policies
from streams.repositories.residents.guardians import guardian_of
from streams.repositories.residents.register import Residents
from streams.repositories.rosters import Rosters
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.screening.payers import spread
from streams.state.keys import APPLIED_KEPT, key
from streams.state.leader import EXEMPT, Leader

log = logging.getLogger(__name__)

IDLE_SECONDS = 2.0
"""Seconds for which an unused connection is kept. Many servers close theirs after five: a request sent at that moment
gets no answer, and its dispatch would be in doubt for no reason.
"""


@dataclass(frozen=True, slots=True)
class Recipient:
    """The person to contact.

    `phone`: the telephone number to contact; `about`: the resident's number that the message mentions ("" if they have
    none); `language`: of the message.
    """

    phone: str
    about: str
    language: Language


class Outgoing:
    """The objects that the channels of a process share, made once. The creator closes `client`."""

    def __init__(
        self,
        settings: Settings,
        redis: "Redis",
        producer: Producer,
        clock: Clock,
        channels: ChannelSettings,
        leader: Leader = EXEMPT,
        is_current: Callable[[int], Awaitable[bool]] = assumed_current,
    ) -> None:
        """`leader`: knows which Redis leads. `is_current`: whether a partition's store has every commit that its
        journal proves.

        Processes that carry out dispatches must pass both, the leader started; the defaults check nothing.
        """
        self.settings, self.channels, self.clock, self.producer = settings, channels, clock, producer
        self.redis: Any = redis
        self.institutions = channels.known_institutions()
        self.residents = Residents(settings, redis)
        self.policies = Policies(settings, redis, producer)
        self.rosters = Rosters(settings, redis, producer)
        # A fixed name resumes its own leases after a restart.
        token = settings.instance or f"{os.getpid()}-{uuid.uuid4().hex}"
        kept = clock.wall_seconds(APPLIED_KEPT)
        self.book = DispatchLog(settings, redis, token, channels.lease_seconds, kept, leader, is_current)
        limits = httpx.Limits(max_connections=None, keepalive_expiry=IDLE_SECONDS)
        self.client = httpx.AsyncClient(timeout=channels.provider_seconds, limits=limits)

    @cached_property
    def _secret(self) -> bytes:
        """Read once, because it may be in a file. The exporter has none."""
        return self.settings.key()

    @cached_property
    def households(self) -> Households:
        """The leases on the addresses to which an officer goes; always the same object."""
        return Households(self.redis, self._secret, self.channels.lease_seconds)

    def signer(self, channel: str) -> Signer:
        """Return a new Signer for orders to a channel's provider (`channel`: such as "sms"); it has the keys of all
        signers.

        Raises SettingsError if a provider or bank has no key, or two have the same one.
        """
        return Signer(channel, self.channels.receipt_keys(self.settings), self.clock.wall.time)

    async def resident(self, dispatch: Dispatch) -> Resident | None:
        """Return the canonical register entry of the dispatch's resident, or None if the register has no entry. Errors
        of Redis pass through.
        """
        return (await self.residents.standing([dispatch.resident])).get(dispatch.resident)

    async def guardian(self, resident: Resident) -> Resident | None:
        """Return the canonical register entry of the resident's guardian, or None if the resident has none or the
        register lacks the guardian's entry. Errors of Redis pass through.
        """
        return await guardian_of(self.residents, resident)

    async def recipient(self, dispatch: Dispatch) -> Recipient | None:
        """Return the person whom the dispatch is to contact: the resident, a minor's guardian, or a trusted contact (by
        the dispatch's action).

        Returns None if no valid number is known, or the register has no entry of the resident. Errors of Redis pass
        through.
        """
        resident = await self.resident(dispatch)
        if resident is None:
            return None
        found = reach(resident, await self.guardian(resident), self.clock.now())
        if not dispatch.action.to_contact:
            return Recipient(found.phone, found.phone, found.language) if found.phone else None
        phone = _contact_phone(resident, dispatch.contact)
        return Recipient(phone, found.phone or "", resident.language) if phone else None

    async def words(self, dispatch: Dispatch, to: Recipient) -> str:
        """Return the text of the dispatch's message in the recipient's language, from the policy in force in the
        resident's partition, or from the arm of an experiment there that the dispatch names, if the resident takes
        part.

        Raises UnknownPolicyError if that policy is stored nowhere, PolicyError if it is invalid, and OSError if the
        settings' policy file is needed and cannot be read. Errors of Redis and Kafka pass through.
        """
        policy = await self.policy(dispatch)
        own = await self._of_arm(policy, dispatch) if dispatch.arm else None
        return render(policy.messages, dispatch, to.language, to.about, code(self._secret, dispatch.id), own)

    async def _of_arm(self, policy: Policy, dispatch: Dispatch) -> Wording | None:
        """Return the templates of the dispatch's arm; None if the register's entry, which may be newer than the case,
        objects to experiments or is gone.
        """
        resident = await self.resident(dispatch)
        return wording_of(policy.experiments, dispatch, resident.flags) if resident else None

    async def policy(self, dispatch: Dispatch) -> Policy:
        """Return the policy in force in the resident's partition; if the partition has none yet, the policy of the
        settings' file.

        Raises UnknownPolicyError if its text is stored nowhere, PolicyError if it is invalid, and OSError if the file
        cannot be read. Errors of Redis and Kafka pass through.
        """
        return await self.policies.of(self.book.partition(dispatch.resident))

    async def case(self, dispatch: Dispatch) -> Case | None:
        """Return the dispatch's case, or None if it is unknown or is no longer the resident's latest case. Raises
        ValidationError if the stored case is invalid. Errors of Redis pass through.
        """
        raw = await self.redis.hget(key("cases", self.book.partition(dispatch.resident)), dispatch.resident)
        case = Case.model_validate_json(raw, extra=ANY_VERSION) if raw else None
        return case if case and case.id == dispatch.case else None

    async def account(self, token: str) -> str | None:
        """Return the account number that belongs to a token, or None if it is not stored.

        A stored number that does not belong to the token is logged, and None is returned: intake may store numbers, and
        must not redirect a stop order. Errors of Redis pass through.
        """
        where = key("accounts-by-token", spread(token, self.settings.partitions))
        raw = await self.redis.hget(where, token)
        if raw is None or _is_of(self._secret, token, raw.decode()):
            return raw.decode() if raw else None
        log.error("%s has another account's number for a token: it is not used", where)
        return None

    def own_account(self, resident: Resident, token: str, *, former: bool) -> str | None:
        """Return the number of the account that belongs to `token`, if the register's entry lists it as the resident's
        own, else None.

        `former`: True: an account that the resident has given up is returned too; False: only one without an end.
        """
        held = (each.value for each in resident.accounts if former or each.until is None)
        return next((value for value in held if _is_of(self._secret, token, value)), None)

    def owns(self, resident: Resident, token: str) -> bool:
        """Return True if the register's entry lists the account with this token as the resident's own, now or earlier;
        else False.
        """
        return token in own_tokens(self._secret, resident)


def _is_of(secret: bytes, token: str, account: str) -> bool:
    try:
        return account_token(secret, account) == token
    except ValueError:
        return False


def _contact_phone(resident: Resident, which: int | None) -> str | None:
    if which is None or which >= len(resident.contacts):
        return None
    try:
        return normal_phone(resident.contacts[which].phone)
    except ValueError:
        return None
