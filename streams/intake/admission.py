"""Decides who may send to intake, by the sources' API keys and the clients' certificates."""

import base64
from collections.abc import Sequence

from starlette.requests import Request

from streams.intake.settings import Feed, IntakeSettings, Keys, keys_for
from streams.runtime.serving import PEER, Refused
from streams.runtime.settings import Settings


class Admission:
    """Checks a request's API key and the client's certificate. The constructor raises SettingsError if the keys are
    invalid.
    """

    def __init__(self, settings: Settings, intake: IntakeSettings) -> None:
        self._keys: Keys = keys_for(settings, intake)
        self._certificates = intake.intake_client_ca is not None

    def feed(self, request: Request, *, basic: bool = False) -> Feed:
        """Return the holder of the request's API key. Raises Refused: 401 without a valid key; 403 if client
        certificates are required and the request's does not name the key's source.

        `basic`: True if HTTP Basic is accepted too, with the source's name and its key.
        """
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        feed = self._keys.feed(key.strip()) if scheme.lower() == "bearer" else None
        if basic and scheme.lower() == "basic":
            feed = self._by_name(key.strip())
        if feed is None:
            do = "Send Authorization: Bearer and the source's key"
            raise Refused(401, "no valid API key", do, {"WWW-Authenticate": "Basic" if basic else "Bearer"})
        self._require_certificate(feed, request.scope.get("state", {}).get(PEER, ()))
        return feed

    def _by_name(self, told: str) -> Feed | None:
        """Return the holder of the key in HTTP Basic credentials; None if they are invalid or name another source."""
        try:
            name, _, key = base64.b64decode(told, validate=True).decode().partition(":")
        except ValueError:
            return None
        feed = self._keys.feed(key)
        return feed if feed is not None and feed.source in (None, name) else None

    def _require_certificate(self, feed: Feed, shown: Sequence[str]) -> None:
        """Raise Refused (403) if mutual TLS is on and the client's certificate does not name the key's source, so that
        a leaked key is useless.
        """
        if not self._certificates or feed.source in shown:
            return
        what = f"the certificate is of {', '.join(shown)}" if shown else "no client certificate was shown"
        do = f"Connect with the client certificate that was issued to {feed.source}"
        raise Refused(403, f"{what}, and the key is of the source {feed.source}", do)
