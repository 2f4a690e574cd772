"""CMPP 2.0 or 3.0 as one carrier's account speaks it. The bytes are in cmpp_units.py."""

from asyncio import StreamReader
from functools import partial

from domain.carriers.account import CarrierAccount
from domain.carriers.delivery_receipts import DeliveryReceipt, cmpp_receipt
from domain.carriers.outcome import SubmitAnswer, cmpp_submit_answer
from domain.carriers.replies import TelephoneMessage, reply_text, sender_number, without_header
from domain.carriers.segments import Alphabet
from streams.gateways.sms import cmpp_units as units
from streams.gateways.sms.cmpp_units import CmppCommand, CmppUnit
from streams.gateways.sms.dialect import BindError, Commands, LoginRequest, Unit
from streams.gateways.sms.pdu import PduError, ShortMessage

_TOO_MUCH = 8  # Result of CMPP_DELIVER_RESP: it comes again later


class CmppDialect:
    """CMPP. `account`: of the carrier; its `protocol` states the version."""

    commands = Commands(
        CmppCommand.SUBMIT,
        CmppCommand.DELIVER,
        CmppCommand.ACTIVE_TEST,
        CmppCommand.TERMINATE,
        query=CmppCommand.QUERY,
    )

    def __init__(self, account: CarrierAccount) -> None:
        self._account, self._version = account, units.cmpp_version(account.protocol)

    async def read(self, reader: StreamReader) -> CmppUnit:
        """Return the next unit. Raises PduError if its length is impossible, asyncio.IncompleteReadError if the
        connection ends, and OSError if it fails.
        """
        return await units.read_unit(reader)

    def request(self, command: int, sequence: int, body: bytes = b"") -> CmppUnit:
        """Return a request as a unit, to be sent. `command`: a CmppCommand."""
        return CmppUnit(command, sequence, body)

    def login(self, password: str, now: float) -> LoginRequest:
        """Return the request CMPP_CONNECT, with a proof that we know the password. Its `check` raises BindError if the
        carrier refuses, its answer has another length, or it does not prove that it knows the password although the
        configuration demands it.

        `now`: in seconds since 1970. Raises ValueError if the account is over 6 octets, or it or the password is not
        ASCII.
        """
        source, at = self._account.system_id, units.stamp(now)
        proof = units.authenticator(source, password, at)
        check = partial(self._check, proof=proof, password=password)
        return LoginRequest(CmppCommand.CONNECT, units.connect_body(source, proof, self._version, at), check)

    def submit(self, message: ShortMessage) -> bytes:
        """Return the body of CMPP_SUBMIT. Raises ValueError if the message is coded in the GSM alphabet, has over 140
        octets, or a number or name does not fit its field.
        """
        if message.data_coding == Alphabet.GSM7:
            raise ValueError("CMPP has no alphabet of GSM")
        return units.cmpp_submit(message, self._account)

    def submitted(self, answer: Unit) -> SubmitAnswer:
        """Return what the answer CMPP_SUBMIT_RESP means: TAKEN, or LATER, ELSEWHERE or REFUSED if nothing was sent.
        Raises PduError if the answer has another length.
        """
        return cmpp_submit_answer(units.submit_result(answer.body)[1])

    def carrier_id(self, answer: Unit) -> str:
        """Return the carrier's id (Msg_Id) in CMPP_SUBMIT_RESP, as 16 capital hexadecimal digits. Raises PduError if
        the answer has another length.
        """
        return units.submit_result(answer.body)[0]

    def question(self, named: str) -> bytes | None:
        """Return None: CMPP_QUERY asks for a day's figures, and not about a message."""
        return None

    def told_state(self, answer: Unit) -> int | None:
        """Return None: CMPP does not report the state of a single message."""
        return None

    def day_question(self, now: float) -> bytes | None:
        """Return the body of CMPP_QUERY for the figures of the day in China; never None. `now`: in seconds
        since 1970.
        """
        return units.day_query(now)

    def day_figures(self, answer: Unit) -> dict[str, int]:
        """Return the numbers of messages in CMPP_QUERY_RESP, by what they count, such as "submitted" or
        "replies_waiting". Raises PduError if the answer has another length.
        """
        return units.day_counts(answer.body)

    def delivery(self, unit: Unit) -> DeliveryReceipt | TelephoneMessage | None:
        """Return the status report (a DeliveryReceipt) or the message from a telephone in a CMPP_DELIVER; None if the
        content of a status report is shorter than 15 octets. Raises PduError if the unit itself is cut off.
        """
        found = units.cmpp_delivered(unit.body, self._version)
        if found.report:
            if len(found.content) < units.REPORT_NUMBERS:
                return None
            return cmpp_receipt(found.content[:8].hex(), found.content[8 : units.REPORT_NUMBERS])
        content, part = without_header(found.content, has_header=found.has_header)
        text = reply_text(content, found.coding, gsm7=False)
        return TelephoneMessage(found.id.hex(), sender_number(found.phone), found.service, text, part)

    def answer(self, unit: Unit, *, stored: bool = True) -> CmppUnit:
        """Return the response to a request of the carrier, to be sent. `stored`: False: the carrier is to deliver this
        CMPP_DELIVER again later (result 8); other requests ignore it.
        """
        given = CmppUnit(unit.command, unit.sequence)
        if unit.command == CmppCommand.DELIVER:
            return given.responded(units.deliver_answer(unit.body, self._version, 0 if stored else _TOO_MUCH))
        return given.responded(b"\0" if unit.command == CmppCommand.ACTIVE_TEST else b"")

    def unknown(self, unit: Unit) -> CmppUnit | None:
        """Return None: CMPP has no answer to an unknown request, which is ignored."""
        return None

    def _check(self, answer: Unit, proof: bytes, password: str) -> None:
        try:
            status, found = units.connect_answer(answer.body, self._version)
        except PduError as error:
            raise BindError(0, str(error)) from None
        if status:
            raise BindError(status)
        if self._account.cmpp.proves_itself and not units.is_proof(found, status, proof, password):
            raise BindError(0, "the other side does not prove that it knows the password: it may not be the carrier")
