"""Who may send to intake: the holders of the sources' keys, with their certificates."""

from collections.abc import Sequence

from starlette.requests import Request

from streams.intake.body import PEER
from streams.intake.settings import Feed, IntakeSettings, Keys, keys_for
from streams.runtime.serving import Refused
from streams.runtime.settings import Settings


class Admission:
    """Checks the API key of a request, and the client's certificate. Creating it raises SettingsError if the keys are
    invalid.
    """

    def __init__(self, settings: Settings, intake: IntakeSettings) -> None:
        self._keys: Keys = keys_for(settings, intake)
        self._certificates = intake.intake_client_ca is not None

    def feed(self, request: Request) -> Feed:
        """Return the holder of the request's key. Raises Refused (401, 403)."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        feed = self._keys.feed(key.strip()) if scheme.lower() == "bearer" else None
        if feed is None:
            do = "Send Authorization: Bearer and the source's key"
            raise Refused(401, "no valid API key", do, {"WWW-Authenticate": "Bearer"})
        self._require_certificate(feed, request.scope.get("state", {}).get(PEER, ()))
        return feed

    def _require_certificate(self, feed: Feed, shown: Sequence[str]) -> None:
        """With mutual TLS, refuse (403) a key whose source is not named in the client's certificate: a leaked key is
        useless.
        """
        if not self._certificates or feed.source in shown:
            return
        what = f"the certificate is of {', '.join(shown)}" if shown else "no client certificate was shown"
        do = f"Connect with the client certificate that was issued to {feed.source}"
        raise Refused(403, f"{what}, and the key is of the source {feed.source}", do)
