"""SMPP 3.4 as one carrier's account speaks it. The bytes are in pdu.py."""

from asyncio import StreamReader

from domain.carriers.account import CarrierAccount
from domain.carriers.delivery_receipts import MESSAGE_PAYLOAD, DeliveryReceipt, read_receipt
from domain.carriers.outcome import SubmitAnswer, submit_answer
from domain.carriers.replies import TelephoneMessage, reply_part, reply_text, sender_number, without_header
from domain.carriers.segments import Alphabet
from streams.gateways.sms.dialect import BindError, Commands, LoginRequest, Unit
from streams.gateways.sms.pdu import (
    INTERNATIONAL,
    RECEIPT_CLASS,
    SAR_NUMBER,
    SAR_REFERENCE,
    SAR_TOTAL,
    USER_HEADER,
    Command,
    Delivered,
    Pdu,
    ShortMessage,
    bind_body,
    delivered,
    message_id,
    message_state,
    query,
    read_pdu,
    submit,
)

_UNKNOWN_COMMAND, TEMPORARY = 0x03, 0x64  # ESME_RINVCMDID; ESME_RX_T_APPN: deliver it again later
_SAR_OCTETS = {SAR_REFERENCE: 2, SAR_TOTAL: 1, SAR_NUMBER: 1}  # of another length they say nothing


class SmppDialect:
    """SMPP 3.4. `account`: of the carrier."""

    commands = Commands(
        Command.SUBMIT_SM, Command.DELIVER_SM, Command.ENQUIRE_LINK, Command.UNBIND, query=Command.QUERY_SM
    )

    def __init__(self, account: CarrierAccount) -> None:
        self._account = account

    async def read(self, reader: StreamReader) -> Pdu:
        """Return the next unit. Raises PduError if its length is impossible, asyncio.IncompleteReadError if the
        connection ends, and OSError if it fails.
        """
        return await read_pdu(reader)

    def request(self, command: int, sequence: int, body: bytes = b"") -> Pdu:
        """Return a request as a unit, to be sent. `command`: a Command."""
        return Pdu(command, sequence, body=body)

    def login(self, password: str, now: float) -> LoginRequest:
        """Return the request bind_transceiver, with the account and password. Its `check` raises BindError if the
        carrier refuses. `now` is not used. Raises ValueError if a text is not ASCII.
        """
        body = bind_body(self._account.system_id, password, self._account.system_type)
        return LoginRequest(Command.BIND_TRANSCEIVER, body, _check_bind)

    def submit(self, message: ShortMessage) -> bytes:
        """Return the body of submit_sm. Raises ValueError if the message is coded in GBK, which is for CMPP, has over
        254 octets, or a number or name is not ASCII.
        """
        if message.data_coding == Alphabet.GBK:
            raise ValueError("SMPP has no GBK")
        return submit(message)

    def submitted(self, answer: Unit) -> SubmitAnswer | None:
        """Return what the answer to submit_sm means: TAKEN, or LATER, ELSEWHERE or REFUSED if nothing was sent; None if
        it is unknown whether the carrier has the message. A generic_nack means REFUSED.
        """
        return SubmitAnswer.REFUSED if answer.command == Command.GENERIC_NACK else submit_answer(_status(answer))

    def carrier_id(self, answer: Unit) -> str:
        """Return the carrier's id in the answer to submit_sm; "" if it has none. Raises PduError if the id is over 64
        octets.
        """
        return message_id(answer.body)

    def question(self, named: str) -> bytes | None:
        """Return the body of query_sm; never None. `named`: the carrier's id of the message, as `carrier_id` returned
        it. Raises ValueError if the id cannot be encoded.
        """
        return query(named, self._account.sender)

    def told_state(self, answer: Unit) -> int | None:
        """Return the `message_state` (a number of SMPP 3.4, 5.2.28) in the answer to query_sm; None if the carrier
        answers with an error. Raises PduError if the answer is cut off.
        """
        return message_state(answer.body) if _status(answer) == 0 else None

    def day_question(self, now: float) -> bytes | None:
        """Return None: SMPP has no figures of a day."""
        return None

    def day_figures(self, answer: Unit) -> dict[str, int]:
        """Return an empty dict: SMPP has no figures of a day."""
        return {}

    def delivery(self, unit: Unit) -> DeliveryReceipt | TelephoneMessage | None:
        """Return the receipt or the message from a telephone in a deliver_sm; None for a receipt without an id or
        state. Raises PduError if the deliver_sm is cut off.
        """
        found = delivered(unit.body)
        if found.kind == 0 and found.esm_class & RECEIPT_CLASS == 0:
            return self._message(found)
        return read_receipt(found.text, found.parameters, self._account.receipt_ids)

    def answer(self, unit: Unit, *, stored: bool = True) -> Pdu:
        """Return the response to a request of the carrier, to be sent. `stored`: False: the carrier is to deliver this
        deliver_sm again later; other requests ignore it.
        """
        given = Pdu(unit.command, unit.sequence)
        if unit.command != Command.DELIVER_SM:
            return given.answer()
        return given.answer(0 if stored else TEMPORARY, b"\0")

    def unknown(self, unit: Unit) -> Pdu | None:
        """Return generic_nack, the answer to a request that the gateway does not know; never None."""
        return Pdu(Command.GENERIC_NACK, unit.sequence, _UNKNOWN_COMMAND)

    def _message(self, found: Delivered) -> TelephoneMessage:
        whole = found.text or found.parameters.get(MESSAGE_PAYLOAD, b"")
        content, part = without_header(whole, has_header=bool(found.esm_class & USER_HEADER))
        numbers = [found.parameters.get(each, b"") for each in _SAR_OCTETS]
        if part is None and [len(each) for each in numbers] == list(_SAR_OCTETS.values()):
            part = reply_part(*(int.from_bytes(each) for each in numbers))
        text = reply_text(content, found.coding, gsm7=self._account.gsm7)
        phone = sender_number(found.source, international=found.source_type == INTERNATIONAL)
        return TelephoneMessage(None, phone, found.destination, text, part)


def _check_bind(answer: Unit) -> None:
    if status := _status(answer):
        raise BindError(status)


def _status(answer: Unit) -> int:
    return answer.status if isinstance(answer, Pdu) else 0
