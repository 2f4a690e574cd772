"""Sign-in at an OpenID provider: the authorization code flow with PKCE, state and nonce.

Only the provider's subject is used; an administrator binds it to an account. The provider is responsible for the second
factor, so the console asks for none.
"""

import hmac
import secrets
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qs

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from console.web.kit.settings import ConsoleSettings
from domain.access.step_up import FRESH
from schemas.base import encrypted_or_local
from schemas.errors import UserError
from streams.runtime.settings import SettingsError

with warnings.catch_warnings():  # Authlib 1.9 warns that it prefers httpx2, but works with httpx, which we use
    warnings.simplefilter("ignore")
    from authlib.integrations.httpx_client import (
        AsyncOAuth2Client,
    )

SECONDS = 10.0  # for each answer of the provider
LEEWAY_SECONDS = 60  # allowed difference of the provider's clock
PROVED_SECONDS = int(FRESH.total_seconds())
"""How long ago, at most, a person may have shown the provider who they are. A provider otherwise answers from its own
session, hours old, and signing in again would prove nothing."""
UNUSABLE = (httpx.HTTPError, httpx.InvalidURL, AttributeError, KeyError, TypeError, ValueError)
"""What a request and the reading of its answer raise, if the provider does not answer or its JSON has another form."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
# Only signatures by the provider's own key: HS256 uses the client's secret, and `none` is no signature.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class OidcError(UserError):
    """The provider does not answer, or its answer is invalid. The text is written to the log and has
    no personal data.
    """


@dataclass(frozen=True, slots=True)
class Journey:
    """The data stored from the redirect to the provider until the browser returns."""

    state: str
    nonce: str
    verifier: str  # PKCE: only the browser that began can complete the sign-in
    back: str  # the redirect address

    def record(self) -> dict[str, str]:
        """Return the fields (state, nonce, verifier, back) by name, for storage as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AcceptedClaims:
    """The accepted ways of signing in at the provider: the claim `acr` must be one of the values in `acr`, and the
    claim `amr` must have one of the values in `amr`. An empty set accepts everything.
    """

    acr: frozenset[str] = frozenset()
    amr: frozenset[str] = frozenset()

    def asked(self) -> dict[str, str]:
        """Return the request parameter that asks the provider for these acr values; empty if none are set."""
        return {"acr_values": " ".join(sorted(self.acr))} if self.acr else {}

    def check(self, claims: Mapping[str, Any]) -> None:
        """Raise OidcError if the claims of an ID token do not have one of the accepted values."""
        methods = claims.get("amr")
        stated = {each for each in methods if isinstance(each, str)} if isinstance(methods, list) else set()
        if self.acr and claims.get("acr") not in self.acr:
            raise OidcError("the acr of the sign-in is not one of QUANZU_CONSOLE_OIDC_ACR")
        if self.amr and not stated & self.amr:
            raise OidcError("the amr of the sign-in has none of QUANZU_CONSOLE_OIDC_AMR")


ANY = AcceptedClaims()


class Provider:
    """One OpenID provider. Its metadata is read at each sign-in, because its keys may change."""

    def __init__(self, issuer: str, client: str, secret: str | None, accepted: AcceptedClaims = ANY) -> None:
        self.issuer, self._client, self._secret, self._accepted = issuer, client, secret, accepted

    async def begin(self, back: str) -> tuple[str, Journey]:
        """Return (the provider's address to redirect to, the data to store until the browser returns). `back`: the
        address for the return. Raises OidcError if the provider does not answer or its metadata is invalid.
        """
        journey = Journey(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), back)
        async with self._asking(journey) as asking:
            try:
                found = await self._metadata(asking)
                address, _ = asking.create_authorization_url(
                    found["authorization_endpoint"],
                    state=journey.state,
                    nonce=journey.nonce,
                    code_verifier=journey.verifier,
                    max_age=PROVED_SECONDS,
                    **self._accepted.asked(),
                )
            except (*UNUSABLE, AuthlibBaseError) as error:
                _refuse("the provider cannot be asked", error)
        return str(address), journey

    async def end(self, journey: Journey, query: str) -> str:
        """Return the signed-in subject in the form of `subject`. `query`: the query string of the redirect back.

        Raises OidcError if the answer is not the provider's, does not match the journey, or cannot be verified.
        """
        given = {name: values[0] for name, values in parse_qs(query).items()}
        if given.get("iss", self.issuer) != self.issuer:  # RFC 9207: a mix-up with another provider
            raise OidcError("the answer is another provider's")
        if "code" not in given or not hmac.compare_digest(given.get("state", "").encode(), journey.state.encode()):
            raise OidcError("no code came back, or not for this browser")
        async with self._asking(journey) as asking:
            try:
                found = await self._metadata(asking)
                token = await asking.fetch_token(
                    found["token_endpoint"],
                    authorization_response=f"{journey.back}?{query}",
                    state=journey.state,
                    code_verifier=journey.verifier,
                )
                keys = (await self._get(asking, found["jwks_uri"])) if "id_token" in token else {}
                return self.subject(self._read(token, keys, journey))
            except (*UNUSABLE, AuthlibBaseError, JoseError) as error:
                _refuse("the provider did not say who it is", error)

    def subject(self, sub: str) -> str:
        """Return the text that binds an account to a person at this provider: "issuer|sub"."""
        return f"{self.issuer}|{sub}"

    def _asking(self, journey: Journey) -> Any:  # noqa: ANN401 - Authlib has no types
        return AsyncOAuth2Client(
            self._client,
            self._secret,
            scope="openid",
            redirect_uri=journey.back,
            code_challenge_method="S256",
            timeout=SECONDS,
        )

    async def _metadata(self, asking: Any) -> Mapping[str, Any]:  # noqa: ANN401 - Authlib has no types
        found = await self._get(asking, f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found["issuer"] != self.issuer:  # OpenID Connect Discovery 1.0, 4.3
            raise ValueError("it calls itself another issuer")
        if not all(encrypted_or_local(found[name]) for name in ENDPOINTS):
            raise ValueError("an address of its metadata is not https")
        return found

    async def _get(self, asking: Any, address: str) -> dict[str, Any]:  # noqa: ANN401 - Authlib has no types
        answer = await asking.request("GET", address, withhold_token=True)
        answer.raise_for_status()
        read: dict[str, Any] = answer.json()
        return read

    def _read(self, token: Mapping[str, Any], keys: Any, journey: Journey) -> str:  # noqa: ANN401 - as the provider has it
        """Return the subject of an ID token after checking its claims (OpenID Connect Core 1.0, 3.1.3.7)."""
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        decoded = jwt.decode(token["id_token"], KeySet.import_key_set(keys), registry=registry)
        wanted = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self._client},
        }
        known = {
            "nonce": journey.nonce,
            "client_id": self._client,
            "access_token": token.get("access_token"),
            "max_age": PROVED_SECONDS,  # auth_time is then required
        }
        claims = CodeIDToken(decoded.claims, decoded.header, wanted, known)
        claims.validate(leeway=LEEWAY_SECONDS)
        if time.time() - claims["auth_time"] > PROVED_SECONDS + LEEWAY_SECONDS:
            raise OidcError("auth_time: the provider answered from an old session, although max_age was asked for")
        self._accepted.check(claims)
        return str(claims["sub"])


def provider(settings: ConsoleSettings) -> Provider | None:
    """Return the provider of the settings, or None if no issuer is set.

    Raises SettingsError if the client's id is missing, if neither acr nor amr values are set, or if the issuer is
    neither https nor on this machine.
    """
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client is None:
        raise SettingsError("QUANZU_CONSOLE_OIDC_CLIENT is not set: the client's id at QUANZU_CONSOLE_OIDC_ISSUER")
    if not encrypted_or_local(settings.oidc_issuer):
        raise SettingsError("QUANZU_CONSOLE_OIDC_ISSUER: write https://, or anybody on the way may say who signs in")
    secret = settings.oidc_secret.get_secret_value() if settings.oidc_secret else None
    accepted = AcceptedClaims(frozenset(settings.oidc_acr.split()), frozenset(settings.oidc_amr.split()))
    if accepted == ANY:
        raise SettingsError(
            "QUANZU_CONSOLE_OIDC_ACR, QUANZU_CONSOLE_OIDC_AMR: set one of them to what the provider states after a "
            "second factor; the console asks for none itself"
        )
    return Provider(settings.oidc_issuer, settings.oidc_client, secret, accepted)


def _refuse(what: str, error: Exception) -> NoReturn:
    """Raise OidcError with only the type of the error, because its text may contain data of the request."""
    raise OidcError(f"{what}: {type(error).__name__}") from error
