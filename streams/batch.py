"""A batch of inputs decided in memory, one after the other, and the one change they make to the store."""

from domain.casework import Decision, Rules, decide, lift
from domain.ids import short_hash
from domain.policy import Policy
from schemas.cases import Case
from schemas.events import CaseEvent, StandingEvent
from schemas.inputs import CaseInput, HoldChange, PolicyChange
from streams.store import Change, Loaded, Standing

Entry = CaseEvent | StandingEvent


class Batch:
    """Inputs decided one after the other in memory, and the one change they make."""

    def __init__(self, partition: int, loaded: Loaded, policy: Policy) -> None:
        self.partition = partition
        self.cases: dict[str, Case] = dict(loaded.cases)
        self.applied = set(loaded.applied)
        self.change = Change()
        self.entries: list[Entry] = []
        self._holds = {hold.id: hold for hold in loaded.standing.holds}
        self._policy = policy

    def take(self, offset: int, message: CaseInput) -> None:
        """Decide on an input of a resident or a hold."""
        if isinstance(message, HoldChange):
            self._hold(offset, message)
        elif not isinstance(message, PolicyChange):
            case = self.cases.get(message.resident)
            self._decided(offset, message, case, decide(case, message, self._rules(), message.at))
        self._applied(message)

    def follow(self, offset: int, message: PolicyChange, policy: Policy) -> None:
        """From here on, decide by another policy."""
        self._policy = policy
        self._stand(offset, message)
        self._applied(message)

    def _rules(self) -> Rules:
        return Rules(self._policy, tuple(self._holds.values()))

    def _hold(self, offset: int, message: HoldChange) -> None:
        self._holds = {name: hold for name, hold in self._holds.items() if hold.until > message.at}
        if message.lift is None:
            self._holds[message.hold.id] = message.hold
        else:
            self._holds.pop(message.hold.id, None)
            for case in list(self.cases.values()):
                self._decided(offset, message, case, lift(case, message, self._rules(), message.at))
        self._stand(offset, message)

    def _decided(self, offset: int, message: CaseInput, before: Case | None, decision: Decision) -> None:
        after = decision.case
        if after is None or not decision.facts:
            return
        event = CaseEvent(
            id=short_hash("event", after.id, message.id),
            input=message.id,
            input_kind=message.kind,
            partition=self.partition,
            offset=offset,
            at=message.at,
            case=after,
            facts=decision.facts,
            dispatches=decision.dispatches,
        )
        self.cases[after.resident] = after
        self.change.case(before, after)
        self.change.counted(event)
        self.change.entry(event)
        self.entries.append(event)

    def _stand(self, offset: int, message: PolicyChange | HoldChange) -> None:
        holds = tuple(self._holds.values())
        self.change.standing(Standing(offset, self._policy.hash, holds))
        event = StandingEvent(
            input=message.id,
            partition=self.partition,
            offset=offset,
            at=message.at,
            policy=self._policy.hash,
            holds=list(holds),
        )
        self.change.entry(event)
        self.entries.append(event)

    def _applied(self, message: CaseInput) -> None:
        self.applied.add(message.id)
        self.change.applied(message.id, message.at)
