"""Risk levels, and the channels, actions, results and outcomes of contacts."""

from enum import StrEnum


class Level(StrEnum):
    """The risk level of a case; red is the gravest."""

    BLUE = "blue"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"

    @property
    def rank(self) -> int:
        """The level as a number: 1 for blue to 4 for red."""
        return _RANKS[self]


_RANKS = {Level.BLUE: 1, Level.YELLOW: 2, Level.ORANGE: 3, Level.RED: 4}
RISING = tuple(sorted(Level, key=lambda level: level.rank))
"""The levels from blue to red."""
GRAVEST_FIRST = RISING[::-1]


class Channel(StrEnum):
    """A channel of dispatches, which has its own topic."""

    SMS = "sms"
    PHONE = "phone"
    VISIT = "visit"
    PAYMENT = "payment"


class Action(StrEnum):
    """The action of a plan's step. Each is carried out by one channel."""

    SMS = "sms"
    FLASH_SMS = "flash_sms"
    ROBOT_CALL = "robot_call"
    OPERATOR_CALL = "operator_call"
    FOLLOW_UP = "follow_up"  # an automated call: are you still safe?
    CONTACT_SMS = "contact_sms"  # to a trusted contact
    CONTACT_CALL = "contact_call"
    VISIT = "visit"
    STOP_PAYMENT = "stop_payment"
    STOP_AGAIN = "stop_again"  # the second and last 48 hours
    STOP_RELEASE = "stop_release"
    HOLD_OUTGOING = "hold_outgoing"  # transfers of the resident's own account
    LIFT_HOLD = "lift_hold"

    @property
    def channel(self) -> Channel:
        """The channel that carries out the action."""
        return _CHANNELS[self]

    @property
    def to_contact(self) -> bool:
        """Whether the action addresses a trusted contact instead of the resident."""
        return self in (Action.CONTACT_SMS, Action.CONTACT_CALL)


_CHANNELS = {
    Action.SMS: Channel.SMS,
    Action.FLASH_SMS: Channel.SMS,
    Action.CONTACT_SMS: Channel.SMS,
    Action.ROBOT_CALL: Channel.PHONE,
    Action.OPERATOR_CALL: Channel.PHONE,
    Action.FOLLOW_UP: Channel.PHONE,
    Action.CONTACT_CALL: Channel.PHONE,
    Action.VISIT: Channel.VISIT,
    Action.STOP_PAYMENT: Channel.PAYMENT,
    Action.STOP_AGAIN: Channel.PAYMENT,
    Action.STOP_RELEASE: Channel.PAYMENT,
    Action.HOLD_OUTGOING: Channel.PAYMENT,
    Action.LIFT_HOLD: Channel.PAYMENT,
}


class Result(StrEnum):
    """The result of a contact. A step waits until its dispatch has a final result.

    SENT: the provider has accepted it; ACKNOWLEDGED: the resident pressed the key: understood, will not pay; HUNG_UP:
    answered, no key pressed; IN_DOUBT: nobody can find out whether it was sent; FAILED: the provider refused it or was
    unavailable; NOT_SENT: the step was no longer valid.
    """

    SENT = "sent"  # the provider has it; a receipt may follow
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    ACKNOWLEDGED = "acknowledged"  # a key pressed: understood, will not pay
    WANTS_OPERATOR = "wants_operator"
    HUNG_UP = "hung_up"  # answered, and no key pressed
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    VOICEMAIL = "voicemail"
    WRONG_NUMBER = "wrong_number"
    OUT_OF_AREA = "out_of_area"
    IN_DOUBT = "in_doubt"  # sent or not: the provider neither answers queries nor is idempotent
    FAILED = "failed"  # the provider refused it or was unavailable
    NOT_SENT = "not_sent"  # the step was no longer valid when its turn came


NEVER_SENT = frozenset({Result.FAILED, Result.NOT_SENT})
"""Results that mean that nothing was sent: nobody was reached, and no provider has it."""


class Outcome(StrEnum):
    """The outcome of a conversation by telephone or at the door."""

    DISSUADED = "dissuaded"
    NOT_PERSUADED = "not_persuaded"
    ALREADY_DEFRAUDED = "already_defrauded"
    FALSE_ALARM = "false_alarm"
    UNREACHABLE = "unreachable"


class OutcomeGround(StrEnum):
    """The ground of the outcome "dissuaded". The case itself knows CALL, VISIT and KEY; a person states the others.

    CALL, VISIT: somebody talked with the resident by telephone, or met them; KEY: the resident pressed the key of an
    automated call.
    """

    CALL = "call"  # somebody talked with the resident by telephone
    VISIT = "visit"  # somebody met the resident
    KEY = "key"  # the resident pressed the key of an automated call
    CALLED_BACK = "called_back"  # stated: the resident called back, on another telephone
    RELATIVE = "relative"  # stated: a relative is with the resident
    BANK = "bank"  # stated: the bank has talked with the resident
    COUNTER = "counter"  # stated: the resident came in person, to a bank's counter or the police's
    OTHER = "other"  # stated: the note says what

    @property
    def evidenced(self) -> bool:
        """Whether the case itself knows that the resident answered or was met (CALL, VISIT, KEY); False for a stated
        ground.
        """
        return self in (OutcomeGround.CALL, OutcomeGround.VISIT, OutcomeGround.KEY)


class LastResort(StrEnum):
    """Why nothing milder helps than a hold on outgoing transfers of the resident's own account."""

    NOT_DISSUADED = "not_dissuaded"  # somebody has reached the resident, and has not dissuaded them
    DURESS = "duress"  # somebody forces the resident to pay, as an operator states


class CallResult(StrEnum):
    """The result of a call that the desk placed."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"


class EvidenceClass(StrEnum):
    """How certain it is that the resident kept the money or gets it back; A is best.

    A: a bank confirmed it frozen or returned; B: cancelled in flight; C: the resident named the transfer and did not
    make it; D: estimated by a model, and never added to the others.
    """

    A = "A"  # a bank confirmed it frozen or returned
    B = "B"  # cancelled in flight
    C = "C"  # the resident named the transfer and did not make it
    D = "D"
