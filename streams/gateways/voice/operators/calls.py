"""Operators' calls of the gateway: starts each once, and passes on what the operator does during it."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from schemas.casework.third_parties import ThirdPartyKind
from schemas.channels.operator_calls import CallEnder
from streams.gateways.voice import gateway_metrics as metrics
from streams.gateways.voice.configuration import OperatorsTable, VoiceConfiguration
from streams.gateways.voice.gateway import CLOSE_SECONDS, UPKEEP_SECONDS, end_tasks, until_written
from streams.gateways.voice.ledger import DAY
from streams.gateways.voice.media.clock import MediaClock
from streams.gateways.voice.operators.consultation import Colleague
from streams.gateways.voice.operators.conversation import ConversationRules, OperatorConversation
from streams.gateways.voice.operators.ledger import CallChange, OperatorCallLedger
from streams.gateways.voice.operators.party import PartyAddress
from streams.gateways.voice.operators.phones_in_use import PhonesInUse
from streams.gateways.voice.operators.recorder import WantedRecording
from streams.gateways.voice.operators.recording_outbox import RecordingOutbox
from streams.gateways.voice.operators.reports import CallReporter
from streams.gateways.voice.operators.third_party import CalledThirdParty, ThirdPartyRules
from streams.gateways.voice.sip.trunk import Trunk
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

CANCEL_SECONDS = 0.5  # for a cancelled call to free its ports


class CallAct(StrEnum):
    """An act of an operator during a call. Those beyond OF_ALL_CALLS are possible in operators' own calls only, and not
    in incoming ones.
    """

    HANG_UP = "hang_up"
    HOLD = "hold"
    RESUME = "resume"
    ADD_THIRD = "add_third"
    DROP_THIRD = "drop_third"
    CONSULT = "consult"
    END_CONSULTATION = "end_consultation"
    TRANSFER = "transfer"
    RECORD = "record"
    PAUSE_RECORDING = "pause_recording"
    RESUME_RECORDING = "resume_recording"
    STOP_RECORDING = "stop_recording"


OF_ALL_CALLS = frozenset({CallAct.HANG_UP, CallAct.HOLD, CallAct.RESUME})


class CallTaking(StrEnum):
    """The result of an order to start a call. KNOWN: it was started before; ON_THE_PHONE: the operator has another
    call; FULL: as many calls as allowed are under way.
    """

    STARTED = "started"
    KNOWN = "known"
    ON_THE_PHONE = "on_the_phone"
    FULL = "full"


class ThirdPartyTaking(StrEnum):
    """The result of an order to call a third party. TAKEN: it is called; NO_TALK: nobody talks, or another one is in
    the talk; FULL: as many as allowed are in talks.
    """

    TAKEN = "taken"
    NO_TALK = "no_talk"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class WantedThirdParty:
    """A third party whom an operator wants to call into a talk. `kind`, `party`: who it is, `party` as in PartyName;
    `number`: in the form that the trunk wants.
    """

    kind: ThirdPartyKind
    party: str
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OperatorCallParts:
    """The objects that operators' calls share. `exchange`: of the desk's telephones; `trunk`: to the residents;
    `music`: for hold, as packets by the name of their law; `notice`: for third parties, in the same way; `phones`: the
    telephones in use; `recording`: what all hear before a recording, in the same way; `outbox`: for the recordings.
    """

    configuration: VoiceConfiguration
    operators: OperatorsTable
    exchange: Trunk
    trunk: Trunk
    clock: MediaClock
    music: Mapping[str, Sequence[bytes]]
    notice: Mapping[str, Sequence[bytes]] | None = None  # None: nobody can be called into a talk
    phones: PhonesInUse = field(default_factory=PhonesInUse)
    recording: Mapping[str, Sequence[bytes]] | None = None  # None, as `outbox`: nothing can be recorded
    outbox: RecordingOutbox | None = None


class OperatorCalls:
    """The calls under way. Await `open` before use, and `close` after it."""

    def __init__(self, parts: OperatorCallParts, ledger: OperatorCallLedger, reporter: CallReporter) -> None:
        self._parts, self._ledger, self._reporter = parts, ledger, reporter
        desk, calls = parts.operators, parts.configuration.calls
        longest = desk.longest_seconds
        third = None if parts.notice is None else ThirdPartyRules(calls.ring_seconds, parts.notice)
        self._rules = ConversationRules(
            desk.ring_seconds, calls.ring_seconds, longest, parts.music, desk.confirm_key, third, parts.recording
        )
        self._talking: dict[str, OperatorConversation] = {}  # by call
        self._operators: dict[str, str] = {}  # who talks now, by call
        self._acted: dict[str, set[str]] = {}  # the ids of acts, by call, while it lasts
        self._on_the_phone: set[str] = set()  # logins, by these calls
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._upkeep_task: asyncio.Task[None] | None = None
        self.closing = False

    async def open(self) -> None:
        """Mark as in doubt the calls that the previous process left, and report what it had not reported. Raises
        sqlite3.Error if the disk refuses.
        """
        if doubtful := await self._ledger.open():
            log.warning("%d operators' calls are in doubt: the gateway died during them", doubtful)
        await self._reporter.open()
        self._upkeep_task = asyncio.create_task(self._upkeep())

    async def close(self, seconds: float) -> None:
        """Accept no more calls, wait up to `seconds` for those under way, and hang up the rest. Recordings and reports
        then have 3 s each to reach Quanzu.
        """
        self.closing = True
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)
        for call in tuple(self._talking.values()):
            call.hang_up(CallEnder.GATEWAY)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=CLOSE_SECONDS)
        tasks = [*self._tasks.values(), *([self._upkeep_task] if self._upkeep_task else ())]
        await end_tasks(tasks, CANCEL_SECONDS)
        if self._parts.outbox is not None:
            await self._parts.outbox.settle(CLOSE_SECONDS)
            await self._parts.outbox.close()
        await self._reporter.settle(CLOSE_SECONDS)
        await self._reporter.close()

    @property
    def logins(self) -> Sequence[str]:
        """The logins of the operators who have a telephone, sorted."""
        return sorted(self._parts.operators.phones)

    @property
    def up(self) -> bool:
        """True if calls can be placed now: the exchange and the trunk work, and the gateway is not closing."""
        return not self.closing and self._parts.exchange.up and self._parts.trunk.up

    def dialled(self, number: str) -> str | None:
        """Return a number (E.164) in the form that the trunk wants, or None if it may not be called."""
        return self._parts.configuration.numbers.dialled(number)

    async def start(self, call: str, case: str, operator: str, number: str) -> CallTaking:
        """Start a call of an operator who has a telephone. Returns STARTED as soon as the call's state is on disk;
        nothing is dialled after KNOWN (the call's id is known), ON_THE_PHONE (the operator has another call) or FULL
        (too many calls are under way).

        `number`: in the form that the trunk wants. Raises sqlite3.Error if the disk refuses.
        """
        if self._parts.phones.has(operator):
            return CallTaking.KNOWN if call in self._tasks else CallTaking.ON_THE_PHONE
        if len(self._on_the_phone) >= self._parts.operators.concurrent:
            return CallTaking.FULL
        self._parts.phones.take(operator)
        self._on_the_phone.add(operator)
        try:
            if not await self._ledger.begin(call, case, operator, time.time()):
                self._hang_up_phone(operator)
                return CallTaking.KNOWN
        except BaseException:
            self._hang_up_phone(operator)
            raise
        self._reporter.tell(call)
        self._talking[call], self._operators[call] = self._conversation(call, operator, number), operator
        self._tasks[call] = asyncio.create_task(self._carry_out(call))
        return CallTaking.STARTED

    def has_acted(self, act_id: str) -> bool:
        """Return True if an operator's act with this id was carried out in a call that is still under way."""
        return any(act_id in acts for acts in self._acted.values())

    def operator(self, call: str) -> str | None:
        """Return the login of the operator in a call; None if the call is not under way here. After a transfer, it is
        the colleague's, even before that is on disk.
        """
        return self._operators.get(call)

    async def act(self, call: str, act: CallAct, act_id: str) -> bool:
        """Carry out an operator's act in a call. Returns True if it was done, or its id is known: then nothing happens,
        because it might come after a later act. Returns False if the call is not under way here, its state does not
        allow the act, or the act is ADD_THIRD, CONSULT or RECORD, which have methods of their own.
        """
        talking = self._talking.get(call)
        if talking is None:
            return False
        if self.has_acted(act_id):
            return True
        acts = self._acted.setdefault(call, set())
        acts.add(act_id)
        done = await self._do(call, talking, act)
        if not done:
            acts.discard(act_id)
        return done

    async def _do(self, call: str, talking: OperatorConversation, act: CallAct) -> bool:
        match act:
            case CallAct.HANG_UP:
                talking.hang_up(CallEnder.OPERATOR)
                return True
            case CallAct.DROP_THIRD:
                return talking.drop_third()
            case CallAct.HOLD | CallAct.RESUME:
                return await talking.set_held(act is CallAct.HOLD)
            case CallAct.END_CONSULTATION:
                return talking.end_consultation()
            case CallAct.TRANSFER:
                return await talking.transfer(partial(self._moved, call))
            case CallAct.PAUSE_RECORDING | CallAct.RESUME_RECORDING | CallAct.STOP_RECORDING:
                return _changed_recording(talking, act)
            case CallAct.ADD_THIRD | CallAct.CONSULT | CallAct.RECORD:  # need more: `add_third`, `consult`, `record`
                return False

    @property
    def records(self) -> bool:
        """True if recording is configured."""
        return self._parts.outbox is not None and self._parts.recording is not None

    async def record(self, call: str, wanted: WantedRecording, act_id: str) -> bool:
        """Announce to all sides of a talk that it is recorded, and then record it. Returns True if that has begun, or
        the act's id is known: then nothing happens. Returns False if nobody talks, the talk is on hold, the call has a
        recording already, or recording is not configured.
        """
        talking, outbox = self._talking.get(call), self._parts.outbox
        if talking is None or outbox is None:
            return False
        if self.has_acted(act_id):
            return True
        self._acted.setdefault(call, set()).add(act_id)
        done = await talking.record(wanted, outbox.put)
        if not done:
            self._acted.get(call, set()).discard(act_id)
        return done

    @property
    def takes_third_parties(self) -> bool:
        """True if the configuration allows third parties in talks."""
        return self._parts.notice is not None

    async def add_third(self, call: str, wanted: WantedThirdParty, act_id: str) -> ThirdPartyTaking:
        """Call a third party into a talk. Returns TAKEN as soon as the call begins, or if the act's id is known: then
        nothing happens. Otherwise nobody is called: NO_TALK if nobody talks or somebody else is in the talk or being
        called, FULL if as many calls as allowed have a third leg.
        """
        talking = self._talking.get(call)
        if talking is None:
            return ThirdPartyTaking.NO_TALK
        if self.has_acted(act_id):
            return ThirdPartyTaking.TAKEN
        if sum(each.has_third for each in self._talking.values()) >= self._parts.operators.third_parties:
            return ThirdPartyTaking.FULL
        media = self._parts.configuration.media
        address = PartyAddress(self._parts.trunk, wanted.number, True, media.srtp == "required", media.rtp_ports)
        if not talking.call_third(CalledThirdParty(wanted.kind, wanted.party, address)):
            return ThirdPartyTaking.NO_TALK
        self._acted.setdefault(call, set()).add(act_id)
        return ThirdPartyTaking.TAKEN

    async def consult(self, call: str, login: str, act_id: str) -> CallTaking:
        """Put the resident of a talk on hold, and ring a colleague who has a telephone.

        Returns STARTED; KNOWN if the act was carried out before; ON_THE_PHONE if the colleague has a call, the call is
        not under way here, or nobody can be asked in it; or FULL if as many calls as allowed have a third leg (none, if
        third parties are not configured). Nothing happens after the last three.
        """
        talking = self._talking.get(call)
        if talking is None:
            return CallTaking.ON_THE_PHONE
        if self.has_acted(act_id):
            return CallTaking.KNOWN
        if sum(each.has_third for each in self._talking.values()) >= self._parts.operators.third_parties:
            return CallTaking.FULL
        if not self._parts.phones.take(login):
            return CallTaking.ON_THE_PHONE
        desk = self._parts.operators
        free = partial(self._hang_up_phone, login)
        colleague = Colleague(login, self._phone(login), desk.confirm_key, desk.ring_seconds, free)
        if not await talking.consult(colleague):
            free()
            return CallTaking.ON_THE_PHONE
        self._acted.setdefault(call, set()).add(act_id)
        return CallTaking.STARTED

    def _moved(self, call: str, login: str) -> None:
        self._on_the_phone.add(login)
        self._hang_up_phone(self._operators[call])
        self._operators[call] = login

    def _phone(self, login: str) -> PartyAddress:
        parts, media = self._parts, self._parts.configuration.media
        desk = parts.operators
        return PartyAddress(parts.exchange, desk.phones[login], False, desk.srtp == "required", media.rtp_ports)

    def _conversation(self, call: str, operator: str, number: str) -> OperatorConversation:
        parts, media = self._parts, self._parts.configuration.media
        resident = PartyAddress(parts.trunk, number, True, media.srtp == "required", media.rtp_ports)
        return OperatorConversation(
            operator, self._phone(operator), resident, parts.clock, self._rules, partial(self._changed, call)
        )

    async def _changed(self, call: str, to: CallChange) -> None:
        """Store a call's new state on disk, and report it."""
        await until_written(partial(self._ledger.change, call, to))
        if to.result is not None:
            metrics.OPERATOR_CALLS.labels(to.result.value).inc()
            log.info("an operator's call ended: %s", to.result.value)
        self._reporter.tell(call)

    async def _carry_out(self, call: str) -> None:
        with metrics.OPERATORS_TALKING.track_inprogress():
            try:
                await self._talking[call].run()
            except Exception:
                log.exception("an operator's call failed: it is in doubt")
                await until_written(partial(self._ledger.doubt, call))
                self._reporter.tell(call)
            finally:
                self._talking.pop(call, None)
                self._acted.pop(call, None)
                self._tasks.pop(call, None)
                self._hang_up_phone(self._operators.pop(call))

    def _hang_up_phone(self, operator: str) -> None:
        self._on_the_phone.discard(operator)
        self._parts.phones.release(operator)

    async def _upkeep(self) -> None:
        while wanted():
            await asyncio.sleep(UPKEEP_SECONDS)
            keep = self._parts.configuration.storage.keep_days * DAY
            await until_written(partial(self._ledger.forget, time.time() - keep))


def _changed_recording(talking: OperatorConversation, act: CallAct) -> bool:
    if act is CallAct.STOP_RECORDING:
        return talking.stop_recording()
    return talking.pause_recording(act is CallAct.PAUSE_RECORDING)
