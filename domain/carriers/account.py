"""The file gateway.toml of the SMS gateway: its addresses and keys, and the terms that are agreed with each carrier."""

import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from domain.carriers.delivery_receipts import IdNotation
from domain.carriers.protocols import CMPP_SOURCE, CarrierProtocol, CmppTerms
from schemas.base import Model, encrypted_or_local, is_this_machine
from schemas.errors import UserError


class GatewayFileError(UserError, ValueError):
    """The file gateway.toml cannot be used.

    The text has a line for each fault: the file, the place in it, a code, the fault and its correction.
    """


def _url(text: str) -> str:
    if not encrypted_or_local(text):
        raise ValueError("write https://host/receipts/sms; http only to this machine")
    return text


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{0,13}$")]
Sender = Annotated[str, StringConstraints(pattern=r"^(\+?[0-9]{1,20}|[A-Za-z0-9 ._-]{1,11})$")]
Ascii = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]*$")]
Port = Annotated[int, Field(strict=True, ge=1, le=65_535)]


class CarrierAccount(Model):
    """A carrier's account. `prefixes`: the number ranges that it takes, in E.164; empty: all. `rate`: segments a
    second. `window`: the most messages that may wait for an answer. `price_fen`: the price of a segment, in fen.
    `receipt_seconds`: the time in which most receipts arrive. `cmpp`: only for CMPP.
    """

    name: Name
    protocol: CarrierProtocol = CarrierProtocol.SMPP
    host: Host
    port: Port
    tls: bool = True
    ca: Path | None = None  # the authority of the carrier's certificate; none: those of the system
    system_id: Annotated[Ascii, Field(min_length=1, max_length=15)]
    password_file: Path
    system_type: Annotated[Ascii, Field(max_length=12)] = ""
    sender: Sender
    prefixes: tuple[Prefix, ...] = ()
    price_fen: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    rate: Annotated[float, Field(gt=0, le=10_000)] = 50
    window: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 10
    gsm7: bool = False  # whether its default alphabet is GSM's: if not, Latin texts go as UCS-2 too
    flash: Literal["data-coding", "subunit", "none"] = "data-coding"
    receipt_ids: IdNotation = IdNotation.SAME
    receipt_seconds: Annotated[float, Field(ge=1, le=600)] = 5
    enquire_seconds: Annotated[float, Field(ge=1, le=600)] = 10
    cmpp: CmppTerms = CmppTerms()

    @property
    def gbk(self) -> bool:
        """True if the carrier takes Chinese texts in GBK instead of UCS-2. Always False for SMPP."""
        return self.protocol is not CarrierProtocol.SMPP and self.cmpp.gbk

    @model_validator(mode="after")
    def _of_its_protocol(self) -> Self:
        if self.protocol is CarrierProtocol.SMPP:
            if self.cmpp != CmppTerms():
                raise ValueError('[carrier.cmpp] is for protocol = "cmpp2" or "cmpp3": write one of them, or remove it')
            return self
        if len(self.system_id) > CMPP_SOURCE:
            raise ValueError(f"a system_id of CMPP has {CMPP_SOURCE} characters at most. Write the company's number")
        if not self.sender.isdigit():
            raise ValueError("a sender of CMPP is a service's number: write its digits")
        if self.gsm7 or self.flash == "subunit" or self.receipt_ids is not IdNotation.SAME:
            raise ValueError('CMPP has no gsm7, no flash = "subunit", and one notation of ids. Remove these keys')
        return self

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if not self.tls and not is_this_machine(self.host):
            raise ValueError(
                "tls = false is for this machine only: texts and numbers would be readable on the way. Write tls = "
                "true, or let a tunnel end on 127.0.0.1"
            )
        return self


class GatewayFile(Model):
    """The contents of gateway.toml.

    `listen_host`, `listen_port`: where the gateway accepts orders. `data`: the folder of its journal. `key_file`: a
    file of the keys that sign orders and receipts, the current one first. `receipts`: the URL of Quanzu to which the
    gateway sends receipts.
    """

    listen_host: Host = "127.0.0.1"
    listen_port: Annotated[int, Field(strict=True, ge=0, le=65_535)] = 8090
    certificate: Path | None = None
    certificate_key: Path | None = None
    data: Path
    key_file: Path
    receipts: Annotated[str, StringConstraints(max_length=500), AfterValidator(_url)]
    receipts_ca: Path | None = None
    most_segments: Annotated[int, Field(strict=True, ge=1, le=50)] = 8
    most_waiting: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 20_000
    expire_seconds: Annotated[float, Field(ge=5, le=86_400)] = 600
    query_seconds: Annotated[float, Field(ge=1, le=86_400)] = 300
    keep_days: Annotated[float, Field(ge=1, le=60)] = 7
    carrier: Annotated[tuple[CarrierAccount, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        twice = [name for name, count in Counter(each.name for each in self.carrier).items() if count > 1]
        if twice:
            raise ValueError(f"two carriers are called {twice[0]!r}. Give each a name of its own")
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError("certificate and certificate_key belong together: write both")
        if self.certificate is None and not is_this_machine(self.listen_host):
            raise ValueError("without a certificate, listen_host is this machine: write 127.0.0.1, or a certificate")
        return self


def read_gateway_file(text: str, name: str) -> GatewayFile:
    """Return the configuration in a TOML text. `name`: the file's name, for error texts.

    Raises GatewayFileError if the text is not TOML or a value is invalid.
    """
    try:
        return GatewayFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise GatewayFileError(f"{name}: not_toml: {error}. Correct the line") from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        lines = [_fault(name, item["loc"], item["type"], item["msg"]) for item in found]
        raise GatewayFileError("\n".join(lines)) from None


def _fault(name: str, loc: Sequence[int | str], code: str, words: str) -> str:
    place = ".".join(str(each + 1 if isinstance(each, int) else each) for each in loc) or "the whole file"
    fixes = {"missing": ". Write it", "extra_forbidden": ". Remove it, or correct its spelling"}
    return f"{name}, [{place}]: {code}: {words.removeprefix('Value error, ')}{fixes.get(code, '')}"
