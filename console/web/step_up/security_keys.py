"""Security keys: adding a key to an account, and checking its answer (WebAuthn level 2, by the library py_webauthn).

The authenticator must verify the person, by a PIN, a finger or a face. Keys of every maker are accepted, because no
attestation is requested.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from console.web.auth.account_forms import change_existing
from console.web.kit.services import Services
from console.web.kit.settings import ConsoleSettings
from console.web.step_up.challenges import SECONDS, KeyRefusedError, Purpose, new_challenge, take_challenge
from domain.access.key_rings import KeyPurpose
from domain.access.step_up import copied
from schemas.people.staff import Account, SecurityKey

NAME = "劝阻 Quanzu"
_VERIFIED = UserVerificationRequirement.REQUIRED


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The console as authenticators identify it. `id`: its host; `origin`: its address as browsers see it."""

    id: str
    origin: str


def relying_party(settings: ConsoleSettings) -> RelyingParty | None:
    """Return the console as authenticators identify it, or None if security keys cannot be used.

    Keys work only at the address in QUANZU_CONSOLE_ORIGIN, not at an address that a request names. This address must
    have https and a host name, not an IP address; `localhost` needs no https.
    """
    parts = urlsplit(settings.origin or "")
    host = parts.hostname or ""
    if not host or _is_ip_address(host) or (parts.scheme != "https" and host != "localhost"):
        return None
    default = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return RelyingParty(host, f"{parts.scheme}://{host}{port}")


async def options_to_add(made: Services, party: RelyingParty, account: Account, purpose: Purpose) -> str:
    """Return the options (JSON) with which a browser makes a credential. The options contain a new challenge for the
    purpose, which is stored in Redis. Raises SettingsError if no key for second factors is set. Errors of Redis pass
    through.
    """
    return options_to_json(
        generate_registration_options(
            rp_id=party.id,
            rp_name=NAME,
            user_id=bytes.fromhex(made.keys(KeyPurpose.SECOND_FACTOR).digest(f"key-user:{account.login}")),
            user_name=account.login,
            user_display_name=account.name,
            challenge=await new_challenge(made.line.redis, purpose),
            timeout=SECONDS * 1000,
            exclude_credentials=_descriptors(account),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=_VERIFIED
            ),
        )
    )


async def options_to_show(made: Services, party: RelyingParty, account: Account, purpose: Purpose) -> str:
    """Return the options (JSON) with which a browser asks for one of the account's keys. The options contain a new
    challenge for the purpose, which is stored in Redis. Errors of Redis pass through.
    """
    return options_to_json(
        generate_authentication_options(
            rp_id=party.id,
            challenge=await new_challenge(made.line.redis, purpose),
            timeout=SECONDS * 1000,
            allow_credentials=_descriptors(account),
            user_verification=_VERIFIED,
        )
    )


async def new_key(made: Services, party: RelyingParty, purpose: Purpose, answer: str, name: str) -> SecurityKey:
    """Return the key that a browser has made, not stored yet. The challenge is used up, even if the answer is wrong.

    Raises KeyRefusedError if the answer is wrong, or its challenge is unknown, expired, used or for another purpose.
    Errors of Redis pass through.
    """
    challenge = await take_challenge(made.line.redis, answer, purpose)
    try:
        found = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
        return SecurityKey(
            id=bytes_to_base64url(found.credential_id),
            public_key=bytes_to_base64url(found.credential_public_key),
            counter=found.sign_count,
            name=name,
            added_at=made.line.clock.now(),
        )
    except Exception as error:  # the library parses a stranger's CBOR; whatever it raises, the key is refused
        raise KeyRefusedError(type(error).__name__) from error


async def check_key(
    made: Services, party: RelyingParty, account: Account, purpose: Purpose, answer: str
) -> SecurityKey:
    """Check a key's answer, store the key's new counter and time of use, and return the key as it was before.

    Raises KeyRefusedError if the answer is wrong, its challenge is unknown, expired, used or for another purpose, or
    the counter shows that the key was copied: the counter is compared when it is stored, because one of two
    simultaneous answers may be from a copy. Raises NotFoundError if the account was deleted, TimeoutError if Kafka or
    Redis does not answer within 8 s, and SendError if Kafka refuses the account for good. Errors of Redis pass through.
    """
    challenge = await take_challenge(made.line.redis, answer, purpose)
    key, counter = _verified(party, account, challenge, answer)
    now = made.line.clock.now()
    await change_existing(made, account.login, lambda before, _: _counted(before, key.id, counter, now))
    return key


def _verified(party: RelyingParty, account: Account, challenge: bytes, answer: str) -> tuple[SecurityKey, int]:
    """Return the key that signed the answer, and the counter in the answer. Raises KeyRefusedError if the answer is
    wrong.
    """
    key = next((each for each in account.security_keys if each.id == json.loads(answer).get("id")), None)
    if key is None:
        raise KeyRefusedError("credential")
    try:
        found = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=base64url_to_bytes(key.public_key),
            credential_current_sign_count=0,  # compared by _counted, which tells a copy from a wrong answer
            require_user_verification=True,
        )
    except Exception as error:  # as above
        raise KeyRefusedError(type(error).__name__) from error
    return key, found.new_sign_count


def _counted(account: Account, key_id: str, counter: int, now: datetime) -> Account:
    """Return the account with the key's new counter. Raises KeyRefusedError if the key was removed, or
    if it is a copy.
    """
    key = next((each for each in account.security_keys if each.id == key_id), None)
    if key is None:
        raise KeyRefusedError("credential")
    if copied(key.counter, counter):
        raise KeyRefusedError("counter", copied=True)
    used = key.model_copy(update={"counter": counter, "used_at": now})
    keys = [used if each.id == key_id else each for each in account.security_keys]
    return account.model_copy(update={"security_keys": keys})


def _descriptors(account: Account) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id)) for each in account.security_keys]


def _is_ip_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
