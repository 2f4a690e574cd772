"""The table [asterisk] of the voice gateway's configuration: the centre's Asterisk, which makes automated calls."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from schemas.base import encrypted_or_local
from streams.gateways.voice.configuration_base import ConfigurationTable, Number, refused_table

NUMBER_PLACE = "{number}"

Address = Annotated[str, StringConstraints(max_length=500, pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$")]


class AsteriskTable(ConfigurationTable):
    """Asterisk's REST Interface.

    `url`: of the interface, such as https://pbx.centre.example:8089/ari; `username`, `password_file`: a user of
    ari.conf; `ca`: PEM file of the authority of Asterisk's certificate, by default the system's; `app`: the name of the
    Stasis application, which no other program may use; `endpoint`: what Asterisk dials, with {number} in place of the
    number; `caller`: the centre's own number, which every call shows; `sounds_url`: the address of [orders] under which
    Asterisk reaches it, to fetch the messages; `detect_talk`: Asterisk reports talk, for the guess about a mailbox.
    """

    url: Address
    username: Annotated[str, StringConstraints(pattern=r"^[^\s:\"\\]{1,100}$")]
    password_file: Path
    ca: Path | None = None
    app: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")] = "quanzu"
    endpoint: Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9]+/[A-Za-z0-9{}@._+:;/-]+$")]
    caller: Number
    sounds_url: Address
    detect_talk: bool = True

    @property
    def root(self) -> str:
        """The address of the interface without a slash at its end."""
        return self.url.rstrip("/")

    @property
    def is_encrypted(self) -> bool:
        """True if the connection to Asterisk is encrypted."""
        return self.url.startswith("https://")

    def dialled_endpoint(self, number: str) -> str:
        """Return the endpoint by which Asterisk dials a number; `number`: in the form in which [numbers] writes it."""
        return self.endpoint.replace(NUMBER_PLACE, number)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        for name, url in (("url", self.url), ("sounds_url", self.sounds_url)):
            if not encrypted_or_local(url):
                fix = "write https://, or reach it through a TLS proxy or VPN end on 127.0.0.1"
                raise refused_table("plain_asterisk", f"{name} is open to readers on the way", fix)
        if self.endpoint.count(NUMBER_PLACE) != 1 or "{" in self.endpoint.replace(NUMBER_PLACE, ""):
            fix = 'write endpoint = "PJSIP/{number}@TRUNK"'
            raise refused_table("no_number", "endpoint must have {number} once, and no other braces", fix)
        return self
