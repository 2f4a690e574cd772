"""The journal's entries about a case, and the dispatches that follow."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Fen, Model, Ref, Text, Token, When
from schemas.casework.cases import Case, CaseId, Payment
from schemas.casework.inputs import Hold
from schemas.casework.own_account import OwnHold
from schemas.casework.provinces import CaseOffer
from schemas.codes.any_code import AnyCodeField
from schemas.levels import Action, Channel, EvidenceClass, Level, Result
from schemas.people.residents import Language, ResidentId

Offset = Annotated[int, Field(ge=-1, lt=2**53)]
"""An offset in a partition; -1: before the first record. Redis's scripts are exact up to 2^53."""


class Dispatch(Model):
    """A command to a channel. `id` consists of case, step, attempt and channel: the channel carries out each id once.

    `due`: when the step was due; `not_after`: after this time it is not carried out, None: no limit; `contact`: the
    index of a trusted contact.
    """

    id: Ref
    case: CaseId
    resident: ResidentId
    step: Token
    attempt: int
    action: Action
    level: Level
    at: When
    due: When  # when the step was due: `at` minus `due` is its delay
    not_after: When | None = None
    language: Language
    scam_type: Token
    campaign: Text | None = None
    contact: int | None = None
    payment: Payment | None = None
    about: Ref | None = None  # of a status request: the id of the order's dispatch
    own_hold: OwnHold | None = None  # of a hold on the resident's own account
    offer: CaseOffer | None = None  # of a hand-over to another province
    arm: Ref | None = None  # EXPERIMENT/ARM, if the text is that of an experiment's arm
    division: str
    because: AnyCodeField
    signal_at: When | None = None  # arrival of the signal whose alert it answers at once, for latency metrics

    @property
    def channel(self) -> Channel:
        """The channel that carries out the dispatch."""
        return self.action.channel


class FactKind(StrEnum):
    """The kinds of facts about a case, which the case's timeline shows. HELD, DROPPED: contacts kept back by an
    outreach hold, or dropped with it; PUT_OFF: postponed by the contact budget; RELEASED: contacts that were kept back
    or postponed go out; KEPT, FROZEN, UNFROZEN, LOST: money; SHIELDED, UNSHIELDED: a loss became known, and a shield
    begins or the policy has none; REFUSED: an input that the case does not allow; FORGOTTEN: the personal data was
    deleted.
    """

    OPENED = "opened"
    REOPENED = "reopened"
    EVIDENCE = "evidence"
    LEVEL_RAISED = "level_raised"
    LEVEL_LOWERED = "level_lowered"
    STATE = "state"
    DISPATCHED = "dispatched"
    HELD = "held"
    RELEASED = "released"
    PUT_OFF = "put_off"  # by the contact budget
    DROPPED = "dropped"
    SKIPPED = "skipped"
    WITHDRAWN = "withdrawn"
    RESULT = "result"
    STEP_DONE = "step_done"
    STEP_FAILED = "step_failed"
    VISIT = "visit"
    SEARCH = "search"  # officers look for the resident at several places
    STOP = "stop"
    STOP_REMINDER = "stop_reminder"
    OBJECTION = "objection"  # to a stop order, and its review
    REPLY = "reply"  # a telephone replied to a text message
    OWN_ACCOUNT = "own_account"  # a hold on the resident's own account
    OFFERED = "offered"  # the case, to another province
    OFFER_ACCEPTED = "offer_accepted"
    OFFER_REFUSED = "offer_refused"
    OFFER_UNANSWERED = "offer_unanswered"  # by its deadline
    OFFER_LATE = "offer_late"  # acknowledged after its deadline: both provinces handle the resident
    TAKEN_OVER = "taken_over"  # from another province
    KEPT = "kept"
    FROZEN = "frozen"
    UNFROZEN = "unfrozen"  # a freeze has ended, and its money is free
    LOST = "lost"
    SHIELDED = "shielded"  # a loss became known, and a shield begins
    UNSHIELDED = "unshielded"  # a loss became known, and the policy has no shield
    LOST_AGAIN_SHIELDED = "lost_again_shielded"  # a second loss within 90 days of one with a shield
    LOST_AGAIN_UNSHIELDED = "lost_again_unshielded"  # likewise, of one without a shield
    CLAIMED = "claimed"
    UNCLAIMED = "unclaimed"
    NOTE = "note"
    REFUSED = "refused"  # an input that the case does not allow, with the reason
    CLOSED = "closed"
    FORGOTTEN = "forgotten"  # the personal data was deleted


class Fact(Model):
    """One thing that happened to a case, as a code with its parameters (`what`; see schemas/codes). The other fields
    are set where they apply: the step, its action and result; the money's evidence class and amount; `limit`: the limit
    of the contact budget that postponed a step, such as "phone_hour"; `by`: the login of the person who acted.
    """

    kind: FactKind
    what: AnyCodeField
    step: Token | None = None
    action: Action | None = None
    result: Result | None = None
    evidence: EvidenceClass | None = None
    amount_fen: Fen | None = None
    limit: Token | None = None  # of the contact budget, such as "phone_hour"
    by: Text | None = None


class Commit(Model):
    """The commit that a journal entry belongs to: proof of which inputs were applied.

    `first`, `last`: offsets of the commit's first and last input. `entries`: number of its journal entries; a reader
    that has read fewer does not have the whole commit. `log`: how often the input log was lost before. `code`: hash of
    the code that made the decisions. `topic`: the id that Kafka gave the topic case-inputs, "" if unknown: a topic that
    is made anew under its name has another.
    """

    first: Offset
    last: Offset
    entries: Annotated[int, Field(ge=1)]
    log: Annotated[int, Field(ge=0)] = 0
    code: str = ""
    topic: str = ""


class CaseEvent(Model):
    """The journal's entry about one applied input: the facts, the whole case after the input, and the dispatches that
    it causes. `input`, `input_kind`: the input's id and kind; `partition`, `offset`: its place on case-inputs.
    """

    kind: Literal["case"] = "case"
    commit: Commit
    id: str
    input: str
    input_kind: Token
    partition: int
    offset: Offset
    at: When
    case: Case
    facts: list[Fact]
    dispatches: list[Dispatch] = Field(default_factory=list)


class RulesEvent(Model):
    """The rules of a partition from this offset on: the policy in force (its digest) and the holds. `anew`: True if the
    input log was recreated, so that offsets of earlier entries belong to another log.

    `moved`: set on the first entry of a journal that was made anew for another number of partitions: how many entries
    that follow come from other partitions. They are proven, and their offsets and partitions are those of before.
    """

    kind: Literal["standing"] = "standing"
    commit: Commit
    input: str
    partition: int
    offset: Offset
    at: When
    policy: str
    holds: list[Hold] = Field(default_factory=list)
    anew: bool = False  # the input log was recreated: offsets of earlier entries belong to another log
    moved: Annotated[int, Field(ge=0)] | None = None


class UnchangedEvent(Model):
    """The inputs of a commit that changed nothing: the time of each input by its id. `offset`: of the commit's last
    input.
    """

    kind: Literal["unchanged"] = "unchanged"
    commit: Commit
    partition: int
    offset: Offset
    at: When
    inputs: dict[str, When]


JournalEntry = Annotated[CaseEvent | RulesEvent | UnchangedEvent, Field(discriminator="kind")]

journal_adapter: TypeAdapter[CaseEvent | RulesEvent | UnchangedEvent] = TypeAdapter(JournalEntry)
