"""ID tokens that are not the provider's word about this sign-in at this client; metadata with an open address."""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from authlib.common.errors import AuthlibBaseError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, RSAKey
from joserfc.jws import JWSRegistry

from console.web.auth.oidc import ENDPOINTS, Journey, OidcError, Provider

ISSUER, CLIENT = "https://provider.example", "quanzu"
OURS, STRANGERS = RSAKey.generate_key(2048, {"kid": "1"}), RSAKey.generate_key(2048, {"kid": "1"})
KEYS = {"keys": [OURS.as_dict(private=False)]}
JOURNEY = Journey("state", "nonce", "verifier", "https://console.example/sign-in/oidc/back")
LONG_AGO = 600  # seconds
HOW = {"alg": "RS256", "kid": "1"}


def claims(**others: object) -> dict[str, Any]:
    now = int(time.time())
    usual = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "u-1",
        "nonce": "nonce",
        "iat": now,
        "exp": now + 60,
        "auth_time": now,
    }
    return {name: value for name, value in (usual | others).items() if value is not None}


def signed(told: Mapping[str, Any], key: Key = OURS, header: Mapping[str, Any] = HOW) -> str:
    registry = JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    return jwt.encode(dict(header), dict(told), key, registry=registry)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def read(token: str) -> str:
    return Provider(ISSUER, CLIENT, None)._read({"id_token": token}, KEYS, JOURNEY)


async def test_the_provider_s_token_names_its_subject() -> None:
    assert read(signed(claims())) == "u-1"


async def test_a_token_of_another_key_is_refused_even_if_it_brings_that_key_along() -> None:
    brought = HOW | {"jwk": STRANGERS.as_dict(private=False), "jku": "https://elsewhere.example/keys"}
    for header in (HOW, brought):
        with pytest.raises(JoseError):
            read(signed(claims(), STRANGERS, header))


async def test_a_token_whose_claims_were_changed_is_refused() -> None:
    head, _, signature = signed(claims()).split(".")
    with pytest.raises(JoseError):
        read(f"{head}.{part(claims(sub='somebody-else'))}.{signature}")


async def test_a_token_without_a_signature_is_refused() -> None:
    for how in ("none", "None", "NONE"):
        with pytest.raises((JoseError, ValueError)):
            read(f"{part({'alg': how})}.{part(claims())}.")


async def test_the_public_key_is_no_secret_to_sign_with() -> None:
    text = f"{part({'alg': 'HS256', 'kid': '1'})}.{part(claims())}"
    for key in (OURS.as_pem(private=False), OURS.as_der(private=False)):
        made = base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).rstrip(b"=").decode()
        with pytest.raises((JoseError, ValueError)):
            read(f"{text}.{made}")


@pytest.mark.parametrize(
    "others",
    [
        {"exp": int(time.time()) - LONG_AGO},
        {"exp": None},
        {"nbf": int(time.time()) + 86_400},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
        {"iss": "https://elsewhere.example"},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
    ],
    ids=lambda others: " ".join(f"{name}={'none' if value is None else 'wrong'}" for name, value in others.items()),
)
async def test_a_token_of_another_time_client_issuer_or_sign_in_is_refused(others: Mapping[str, object]) -> None:
    with pytest.raises((JoseError, AuthlibBaseError)):
        read(signed(claims(**others)))


@pytest.mark.parametrize("name", ENDPOINTS)
async def test_metadata_with_an_address_in_the_clear_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {each: f"{ISSUER}/{each}" for each in ENDPOINTS} | {"issuer": ISSUER}
    provider = Provider(ISSUER, CLIENT, None)

    async def answer(asking: object, address: str) -> dict[str, Any]:
        return told

    monkeypatch.setattr(provider, "_get", answer)
    address, _ = await provider.begin(JOURNEY.back)
    assert address.startswith(f"{ISSUER}/authorization_endpoint?")
    told[name] = f"http://provider.example/{name}"
    with pytest.raises(OidcError):
        await provider.begin(JOURNEY.back)


async def test_an_answer_in_another_provider_s_name_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(OidcError, match="another provider's"):
        await Provider(ISSUER, CLIENT, None).end(JOURNEY, "code=x&state=state&iss=https://elsewhere.example")
