"""Passes on what parties outside report of a case: from outside-inputs, which intake writes, to case-inputs.

Intake faces the networks of carriers and banks. It may not write to case-inputs, so that nobody who breaks into it can
act in the name of a person, a deadline or the screening. A worker copies only what
`is_reported` (domain/dispatches/outside_reports) allows. Intake has no keys of the vault, so a worker also writes what
is stored for longer: bank messages, and the account numbers that came with them.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from domain.dispatches.outside_reports import is_reported
from domain.identity.identifiers import account_token, normal_account
from schemas.base import ANY_VERSION
from schemas.casework.inputs import BankFeedback, ResidentInput, TakeOver, input_adapter
from schemas.channels.bank_messages import ReportedFeedback
from streams.messaging import case_inputs, topics
from streams.messaging.codec import refuse_unreadable
from streams.messaging.dead_letter_writer import DeadLetters
from streams.messaging.producer import Producer, Record
from streams.messaging.record import Raw
from streams.messaging.waiting_records import WaitingRecords
from streams.repositories.residents.newcomers import enter
from streams.repositories.residents.register import Residents
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)

LARGEST = 512 * 1024  # bytes: eight times the largest receipt, and encrypted still less than Kafka takes
TOO_LARGE = f"larger than {LARGEST:,} bytes"
NOT_REPORTED = "{kind}: no party outside reports this. If intake wrote it, find out who made it do so"
ANOTHER_ACCOUNT = "accounts: a number does not fit its token. If intake wrote it, find out who made it do so"


class _Report(NamedTuple):
    """A report as it is written. `passed_on`: to case-inputs; `stored`: the records of what came with it."""

    passed_on: Record
    stored: list[Record]


class OutsideInputs:
    """Copies the reports of parties outside to case-inputs. A report that is copied twice counts once, by its id."""

    def __init__(
        self, settings: Settings, producer: Producer, clock: Clock, residents: Residents | None = None
    ) -> None:
        """`residents`: the register, for people whom another province hands over; None: they are not registered."""
        self._residents = residents
        self._producer, self._clock, self._partitions = producer, clock, settings.partitions
        self._secret = settings.key()
        self._dead_letters = DeadLetters(producer, clock)
        self.waiting = WaitingRecords(settings, topics.OUTSIDE_INPUTS)

    async def pass_on(self, partition: int, records: Sequence[Raw]) -> None:
        """Copy the records of a partition of outside-inputs to case-inputs, in order, and return once Kafka has
        acknowledged them. What came with a bank's feedback is written before: the account numbers and the bank's
        message. A person whom another province hands over is first entered in the register.

        A record that is invalid, unreadable, over 512 KiB, about a person who was erased, or that nobody outside may
        report becomes a dead letter. Raises SendError if Kafka refuses a record permanently; waits while Kafka is
        unavailable. Errors of Redis (the register, the vault) pass through: call it again.
        """
        read = [each for raw in records if (each := await self._read(partition, raw))]
        await self._producer.send_all([record for each in read for record in each.stored])
        await self._producer.send_all([each.passed_on for each in read])

    async def cover(self, partition: int) -> None:
        """Copy to case-inputs, for a partition whose owner (a worker) gives no sign of life, the records of
        outside-inputs that the owner has not acknowledged and this object has not copied before. As in `pass_on`, an
        invalid record becomes a dead letter, and it waits while Kafka cannot be written.

        Raises the errors of `pass_on` (the next call then reads the records again), KafkaError if Kafka cannot be read,
        and CodecError if this process cannot decrypt the topic.
        """
        records = await self.waiting.read(partition)
        try:
            await self.pass_on(partition, [Raw(each.offset, each.value or b"") for each in records])
        except BaseException:
            self.waiting.again(partition)
            raise

    async def _read(self, partition: int, raw: Raw) -> _Report | None:
        """Return the records to write, or None after the dead letter was written."""
        try:
            given, stored = self._report(raw.value)
            given = await self._entered(given)
        except ValueError as error:
            log.warning("%s/%d/%d is refused; see the dead letters", topics.OUTSIDE_INPUTS.name, partition, raw.offset)
            await self._dead_letters.record(topics.OUTSIDE_INPUTS.name, partition, raw.offset, raw.value, error)
            return None
        # Written anew from the model, never as it came: a part that the record encrypts could hold other fields.
        passed_on = case_inputs.record(given, topics.home(given.resident, self._partitions), raw.trace)
        return _Report(passed_on, stored)

    async def _entered(self, given: ResidentInput) -> ResidentInput:
        """Return the report as casework gets it, after the person whom another province hands over, and a minor's
        guardian, were registered. An entry that the register has stays as it is, also one that another hand-over made
        since intake asked: the report then concerns that entry. Raises ForgottenError if the person was erased here.
        """
        if not isinstance(given, TakeOver):
            return given
        resident = given.resident
        if given.person is not None and self._residents is not None:
            resident = await enter(self._residents, given.person, given.guardian, given.at)
        return given.model_copy(update={"resident": resident, "person": None, "guardian": None})

    def _report(self, value: bytes) -> tuple[ResidentInput, list[Record]]:
        """Return the report in a record, with a time that is not in the future (by its time an input is remembered),
        and the records of what came with it.

        Raises ValueError unless it is a report, and may come from outside.
        """
        refuse_unreadable(value)
        if len(value) > LARGEST:
            raise ValueError(TOO_LARGE)
        given = input_adapter.validate_json(value, extra=ANY_VERSION)
        if not is_reported(given):
            raise ValueError(NOT_REPORTED.format(kind=given.kind))
        at = min(given.at, self._clock.now())
        stored: list[Record] = []
        if isinstance(given, BankFeedback):
            told = ReportedFeedback.model_validate_json(value, extra=ANY_VERSION).model_copy(update={"at": at})
            stored = self._stored(told)
        return given.model_copy(update={"at": at}), stored

    def _stored(self, told: ReportedFeedback) -> list[Record]:
        """Return the records of the account numbers and of the message. Raises ValueError if a number is not its
        token's: with another, whoever looks an account up would find a wrong one.
        """
        for token, account in told.accounts.items():
            if account_token(self._secret, account) != token:
                raise ValueError(ANOTHER_ACCOUNT)
        accounts = case_inputs.account_records({token: normal_account(each) for token, each in told.accounts.items()})
        return [*accounts, *([case_inputs.bank_record(told, told.receipt)] if told.receipt else [])]
