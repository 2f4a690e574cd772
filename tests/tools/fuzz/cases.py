"""The case machine: hostile but valid inputs, one after the other, on cases that live."""

import random
from typing import Any

from pydantic import ValidationError

from domain.casework import deadlines, queue_rank
from domain.dispatches.messages import code, render
from domain.dispatches.validity import validity
from domain.payments.ledger import of_case
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, journal_adapter
from schemas.casework.inputs import CaseInput, PolicyChange, input_adapter
from schemas.levels import Action
from schemas.people.residents import Language
from streams.casework.batch import Batch
from streams.messaging.dead_letter_writer import reason
from streams.messaging.producer import MAX_BYTES
from streams.state.partition_state import Loaded
from streams.state.store_update import PartitionRules
from tests.tools.fuzz import examples
from tests.tools.fuzz.book import Came, Outcome
from tests.tools.fuzz.mutations import as_json, several

LIFE = 60  # inputs of one case, then another begins


def make(chance: random.Random) -> bytes:
    """An input, mostly with its own id: what was applied once is not applied again."""
    given: dict[str, Any] = dict(chance.choice(examples.INPUTS))
    if chance.random() < 0.4:
        given = {**examples.INPUTS[0], "danger": {**examples.DANGER, "level": chance.choice(_LEVELS)}}
    given = {**given, "id": f"i{chance.getrandbits(64)}", **_at_some_time(given, chance)}
    return as_json(several(given, chance) if chance.random() < 0.7 else given, chance)


_LEVELS = ("blue", "yellow", "orange", "red")
_STEPS = ("red.flash", "red.robot", "red.operator", "red.visit", "blue.sms", "stop.0", "clock.close", "follow.1")


def _at_some_time(given: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Times near the edges of what is allowed, results and steps of all kinds."""
    fields: dict[str, Any] = {}
    if chance.random() < 0.2:
        fields["at"] = chance.choice(
            ("2099-12-31T23:59:59Z", "2000-01-01T00:00:00Z", "2099-12-30T00:00:00+14:00", "2026-03-01T11:12:00-12:00")
        )
    if "step" in given and chance.random() < 0.8:
        fields["step"] = chance.choice(_STEPS)
    return fields


class Machine:
    """A partition's cases in memory. `take` is what casework does with a record, as far as it needs no server."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        policy = examples.policy()
        self._batch = Batch(0, Loaded(PartitionRules(0, policy.hash), {}, set()), policy, 0, 0)
        self._taken = 0

    def take(self, value: bytes) -> Came:
        """Decide on a record."""
        try:
            given = input_adapter.validate_json(value)
        except ValidationError as error:
            return Came(Outcome.DEAD_LETTER, reason(error))
        if isinstance(given, PolicyChange):
            return Came(Outcome.ACCEPTED)
        self._taken += 1
        if self._taken > LIFE:
            self._begin()
        before = len(self._batch.entries)
        self._batch.take(self._taken, given)
        self._look(given, before)
        return Came(Outcome.ACCEPTED)

    def _look(self, given: CaseInput, before: int) -> None:
        """Whether what was decided can be kept, published, read again and carried out."""
        for entry in self._batch.entries[before:]:
            value = entry.model_dump_json().encode()
            assert len(value) < MAX_BYTES, f"an event of {len(value)} bytes: Kafka takes {MAX_BYTES}"
            assert journal_adapter.validate_json(value) == entry, "it does not read as it was written"
        for case in self._batch.cases.values():
            _look_at(case)
        for entry in self._batch.entries[before:]:
            if isinstance(entry, CaseEvent):
                _look_at_dispatches(entry, given)


_SPOKEN = (Action.SMS, Action.FLASH_SMS, Action.ROBOT_CALL, Action.CONTACT_SMS)


def _look_at_dispatches(event: CaseEvent, given: CaseInput) -> None:
    messages = examples.policy().messages
    for dispatch in event.dispatches:
        validity(dispatch, event.case, given.at)
        if dispatch.action in _SPOKEN:
            render(messages, dispatch, Language.KOREAN, "+8619900000001", code(b"k" * 32, dispatch.id))


def _look_at(case: Case) -> None:
    assert Case.model_validate_json(case.model_dump_json()) == case
    deadlines(case)
    queue_rank(case)
    of_case(case)
