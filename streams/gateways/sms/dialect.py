"""What the gateway needs of a carrier's protocol. SMPP and CMPP differ in this, and in nothing else."""

from asyncio import StreamReader
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from domain.carriers.delivery_receipts import DeliveryReceipt
from domain.carriers.outcome import SubmitAnswer
from domain.carriers.replies import TelephoneMessage
from streams.gateways.sms.pdu import ShortMessage


class BindError(ConnectionError):
    """Raised if the carrier refuses the account, or does not prove that it is the carrier. `status`: that of its
    answer; 0 if the answer cannot be read or lacks the proof.
    """

    def __init__(self, status: int, why: str = "") -> None:
        super().__init__(why or f"the carrier refused the bind with status 0x{status:08X}")
        self.status = status


class Unit(Protocol):
    """A unit on the wire: a request, or the response to one."""

    @property
    def command(self) -> int:
        """The command id: the number that the protocol gives this kind of request or response."""

    @property
    def sequence(self) -> int:
        """The number by which a response belongs to its request."""

    @property
    def body(self) -> bytes:
        """The bytes after the header."""

    @property
    def is_response(self) -> bool:
        """True if this unit answers a request."""

    def encoded(self) -> bytes:
        """Return the unit as bytes, header and body."""


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """The request that opens a session. `check`: raises BindError if the answer to it refuses us, cannot be read, or
    lacks a proof that the account demands.
    """

    command: int
    body: bytes = field(repr=False)
    check: Callable[[Unit], None]


@dataclass(frozen=True, slots=True)
class Commands:
    """The command numbers of a protocol's requests. `deliver`: sent by the carrier; `link`: shows whether the other
    side is there; `leave`: ends the session; `query`: asks about a message or the day's figures.
    """

    submit: int
    deliver: int
    link: int  # to see whether the other side is there
    leave: int
    query: int


class Dialect(Protocol):
    """A protocol, as one carrier's account speaks it. A body that cannot be read raises PduError."""

    @property
    def commands(self) -> Commands:
        """The command numbers of the protocol's requests."""

    async def read(self, reader: StreamReader) -> Unit:
        """Return the next unit. Raises PduError if its length is impossible, asyncio.IncompleteReadError if the
        connection ends, and OSError if it fails.
        """

    def request(self, command: int, sequence: int, body: bytes = b"") -> Unit:
        """Return a request as a unit, to be sent. `command`: one of `commands`, or of the login."""

    def login(self, password: str, now: float) -> LoginRequest:
        """Return the request that opens the session. Its `check` raises BindError if the answer refuses us, cannot be
        read, or lacks a proof that the account demands. `now`: in seconds since 1970. Raises ValueError if the account
        or the password cannot be written.
        """

    def submit(self, message: ShortMessage) -> bytes:
        """Return the body of a request to send a message. Raises ValueError if the message is coded for another
        protocol or too long, or a number or name cannot be written.
        """

    def submitted(self, answer: Unit) -> SubmitAnswer | None:
        """Return what the answer to a message means: TAKEN, or LATER, ELSEWHERE or REFUSED if nothing was sent; None if
        it is unknown whether the carrier has the message. Raises PduError if the answer cannot be read.
        """

    def carrier_id(self, answer: Unit) -> str:
        """Return the carrier's id in the answer to a message; "" if the answer has none. Raises PduError if it cannot
        be read.
        """

    def question(self, named: str) -> bytes | None:
        """Return the body of a question about one message; None if the protocol has none. `named`: the carrier's id of
        the message. Raises ValueError if the id cannot be written.
        """

    def told_state(self, answer: Unit) -> int | None:
        """Return the `message_state` (a number of SMPP 3.4, 5.2.28) in the answer to a question about a message; None
        if the answer has none. Raises PduError if it cannot be read.
        """

    def day_question(self, now: float) -> bytes | None:
        """Return the body of a question for the carrier's figures of the day in China; None if the protocol has none.
        `now`: in seconds since 1970.
        """

    def day_figures(self, answer: Unit) -> dict[str, int]:
        """Return the carrier's numbers of messages of the day, by what they count; empty if the protocol has none.
        Raises PduError if the answer cannot be read.
        """

    def delivery(self, unit: Unit) -> DeliveryReceipt | TelephoneMessage | None:
        """Return the receipt or the message from a telephone in a unit that a carrier delivers; None for a receipt
        without an id or state. Raises PduError if the unit cannot be read.
        """

    def answer(self, unit: Unit, *, stored: bool = True) -> Unit:
        """Return the response to a request of the carrier, to be sent. `stored`: False: the carrier is to deliver this
        unit again later.
        """

    def unknown(self, unit: Unit) -> Unit | None:
        """Return the response to a request that the gateway does not know; None if such a request is ignored."""
