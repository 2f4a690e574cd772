"""Offers the messages of calls to Asterisk for download, each under an address that nobody can guess, during its call.

Asterisk plays `sound:https://…/TOKEN.wav`: it fetches the file once and plays its own copy after that. A token is no
name of a person or a call, so that the address may stand in Asterisk's log.
"""

import io
import secrets
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streams.gateways.voice.media.g711 import RATE, Samples

SOUNDS_PATH = "/sounds"
TOKEN_BYTES = 24
FRESH_SECONDS = 900  # longer than any call: Asterisk does not fetch a message again to repeat it


@dataclass
class OfferedSound:
    """A sound at `url`. `fetched`: somebody who knew the address has downloaded it."""

    url: str
    data: bytes = field(repr=False)
    fetched: bool = False


class OfferedSounds:
    """The sounds of the calls under way. `url`: the address of this process's HTTP server for Asterisk."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._sounds: dict[str, OfferedSound] = {}

    @property
    def route(self) -> Route:
        """The HTTP route at which Asterisk fetches the sounds: 404 for a token that is unknown, or whose call has
        ended.
        """
        return Route(SOUNDS_PATH + "/{token}.wav", self._get, methods=["GET"])

    @contextmanager
    def offered(self, samples: Samples) -> Iterator[OfferedSound]:
        """Context manager: serve the samples (8000 a second) as a WAV file during the block. Yields the sound with its
        address.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        sound = OfferedSound(f"{self._url}{SOUNDS_PATH}/{token}.wav", wav_of(samples))
        self._sounds[token] = sound
        try:
            yield sound
        finally:
            del self._sounds[token]

    async def _get(self, request: Request) -> Response:
        sound = self._sounds.get(request.path_params["token"])
        if sound is None:
            return Response(status_code=404)
        sound.fetched = sound.fetched or request.method == "GET"
        headers = {"Cache-Control": f"private, max-age={FRESH_SECONDS}"}
        return Response(sound.data, media_type="audio/wav", headers=headers)


def wav_of(samples: Samples) -> bytes:
    """Return the samples as the bytes of a WAV file of one channel, 8000 Hz and 16 bit, which Asterisk plays without
    conversion.
    """
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(RATE)
        made.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()
