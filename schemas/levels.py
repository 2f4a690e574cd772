"""How grave a case is, and what kind of action answers it."""

from enum import StrEnum


class Level(StrEnum):
    """Red is the gravest; `rank` orders them, 0 being none at all."""

    BLUE = "blue"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"

    @property
    def rank(self) -> int:
        """1 for blue to 4 for red."""
        return _RANKS[self]


_RANKS = {Level.BLUE: 1, Level.YELLOW: 2, Level.ORANGE: 3, Level.RED: 4}


class Channel(StrEnum):
    """A topic of dispatches, and who serves it."""

    SMS = "sms"
    PHONE = "phone"
    VISIT = "visit"
    PAYMENT = "payment"


class Action(StrEnum):
    """What a step of a plan does. Every action has one channel."""

    SMS = "sms"
    FLASH_SMS = "flash_sms"
    ROBOT_CALL = "robot_call"
    OPERATOR_CALL = "operator_call"
    FOLLOW_UP = "follow_up"  # a robot's call: are you still safe?
    CONTACT_SMS = "contact_sms"  # to a trusted contact
    CONTACT_CALL = "contact_call"
    VISIT = "visit"
    STOP_PAYMENT = "stop_payment"
    STOP_AGAIN = "stop_again"  # the second and last 48 hours
    STOP_RELEASE = "stop_release"

    @property
    def channel(self) -> Channel:
        """The channel that carries the action out."""
        return _CHANNELS[self]

    @property
    def to_contact(self) -> bool:
        """Whether a trusted contact is addressed instead of the resident."""
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
}


class Result(StrEnum):
    """What came of a contact. A step is waiting until one that ends it has come."""

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
    IN_DOUBT = "in_doubt"  # sent or not: a provider that can neither be asked nor is idempotent
    FAILED = "failed"  # the provider refused it or was away
    NOT_SENT = "not_sent"  # the step no longer stood when its turn came


NEVER_SENT = frozenset({Result.FAILED, Result.NOT_SENT})
"""Nothing went out: nobody was reached by it, and no provider has it."""


class Outcome(StrEnum):
    """How a conversation, on the telephone or at the door, ended."""

    DISSUADED = "dissuaded"
    NOT_PERSUADED = "not_persuaded"
    ALREADY_DEFRAUDED = "already_defrauded"
    FALSE_ALARM = "false_alarm"
    UNREACHABLE = "unreachable"


class EvidenceClass(StrEnum):
    """How well it is known that money was kept (A best). D is modelled and never added in."""

    A = "A"  # a bank confirmed it frozen or returned
    B = "B"  # cancelled in flight
    C = "C"  # the resident named the transfer and did not make it
    D = "D"
