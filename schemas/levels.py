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
    """A channel of dispatches, which has its own topic: text messages, telephone calls, visits at the door, orders to
    banks about payments (PAYMENT), and cases for other provinces (PROVINCE).
    """

    SMS = "sms"
    PHONE = "phone"
    VISIT = "visit"
    PAYMENT = "payment"
    PROVINCE = "province"


class Action(StrEnum):
    """The action of a plan's step. Each is carried out by one channel. FOLLOW_UP: an automated call that asks whether
    the resident is still safe; SUPPORT_CALL: an automated call after a loss; WEEK_CALL, WEEK_SMS: an automated call or
    a text message that asks, a week after the resident was dissuaded, whether they have paid since; REMINDER: a text
    message that reminds a dissuaded resident of the warning; CONTACT_SMS, CONTACT_CALL: to a trusted contact;
    STOP_PAYMENT: asks a bank for a stop; STOP_AGAIN: to extend it by the second and last 48 hours; STOP_STATUS: what
    became of an order that the bank has not answered; STOP_RELEASE: to lift a stop; HOLD_OUTGOING, LIFT_HOLD: to hold
    the transfers of the resident's own account, and to end that.
    """

    SMS = "sms"
    FLASH_SMS = "flash_sms"
    ROBOT_CALL = "robot_call"
    OPERATOR_CALL = "operator_call"
    FOLLOW_UP = "follow_up"  # an automated call: are you still safe?
    SUPPORT_CALL = "support_call"  # an automated call after a loss: an offer of support, a word on recovery scams
    WEEK_CALL = "week_call"  # an automated call a week after the resident was dissuaded: have you paid since?
    WEEK_SMS = "week_sms"  # likewise, a text message that is answered by a reply
    REMINDER = "reminder"  # a text message some weeks after the resident was dissuaded: the warning still holds
    CONTACT_SMS = "contact_sms"  # to a trusted contact
    CONTACT_CALL = "contact_call"
    VISIT = "visit"
    STOP_PAYMENT = "stop_payment"
    STOP_AGAIN = "stop_again"  # the second and last 48 hours
    STOP_STATUS = "stop_status"  # asks what became of a stop order that the bank has not answered
    STOP_RELEASE = "stop_release"
    HOLD_OUTGOING = "hold_outgoing"  # transfers of the resident's own account
    LIFT_HOLD = "lift_hold"
    HAND_OVER = "hand_over"  # of the case, to another province

    @property
    def channel(self) -> Channel:
        """The channel that carries out the action."""
        return _CHANNELS[self]

    @property
    def to_contact(self) -> bool:
        """True if the action addresses a trusted contact instead of the resident."""
        return self in (Action.CONTACT_SMS, Action.CONTACT_CALL)


_CHANNELS = {
    Action.SMS: Channel.SMS,
    Action.FLASH_SMS: Channel.SMS,
    Action.WEEK_SMS: Channel.SMS,
    Action.REMINDER: Channel.SMS,
    Action.CONTACT_SMS: Channel.SMS,
    Action.ROBOT_CALL: Channel.PHONE,
    Action.OPERATOR_CALL: Channel.PHONE,
    Action.FOLLOW_UP: Channel.PHONE,
    Action.SUPPORT_CALL: Channel.PHONE,
    Action.WEEK_CALL: Channel.PHONE,
    Action.CONTACT_CALL: Channel.PHONE,
    Action.VISIT: Channel.VISIT,
    Action.STOP_PAYMENT: Channel.PAYMENT,
    Action.STOP_AGAIN: Channel.PAYMENT,
    Action.STOP_STATUS: Channel.PAYMENT,
    Action.STOP_RELEASE: Channel.PAYMENT,
    Action.HOLD_OUTGOING: Channel.PAYMENT,
    Action.LIFT_HOLD: Channel.PAYMENT,
    Action.HAND_OVER: Channel.PROVINCE,
}


class Result(StrEnum):
    """The result of a contact. A step waits until its dispatch has a final result.

    SENT: the provider has accepted it; ACKNOWLEDGED: the resident pressed the key: understood, will not pay; HUNG_UP:
    answered, no key pressed; IN_DOUBT: nobody can find out whether it was sent; FAILED: the provider refused it or was
    unavailable; NOT_SENT: the step was no longer valid. NOTHING_PAID, PAID_SINCE, CONTACTED_AGAIN: the resident's
    answer to the question a week after they were dissuaded.
    """

    SENT = "sent"  # the provider has it; a receipt may follow
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    ACKNOWLEDGED = "acknowledged"  # a key pressed: understood, will not pay
    WANTS_OPERATOR = "wants_operator"
    NOTHING_PAID = "nothing_paid"  # an answer to the question a week later, as the next two
    PAID_SINCE = "paid_since"
    CONTACTED_AGAIN = "contacted_again"  # by the scammer; nothing is said of a payment
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

CHANNEL_REPORTS = (Result.SENT, Result.FAILED, Result.NOT_SENT, Result.IN_DOUBT)
"""Results that the channel itself reports when it has finished a dispatch. The others come from the provider: such a
receipt may arrive before the channel's own report, and also if the channel never makes one.
"""

WEEK_ANSWERS = frozenset({Result.NOTHING_PAID, Result.PAID_SINCE, Result.CONTACTED_AGAIN})
"""Results that answer the question a week after the resident was dissuaded."""

ON_TELEPHONE = WEEK_ANSWERS | {Result.DELIVERED, Result.ACKNOWLEDGED, Result.WANTS_OPERATOR, Result.HUNG_UP}
"""Results that show that the warning was on the telephone: the message arrived there, or the call was answered."""


class Outcome(StrEnum):
    """The outcome of a conversation by telephone or at the door. DISSUADED: the resident will not pay; NOT_PERSUADED:
    the resident may still pay; ALREADY_DEFRAUDED: the resident has already lost money; FALSE_ALARM: there was no fraud;
    UNREACHABLE: nobody could reach the resident.
    """

    DISSUADED = "dissuaded"
    NOT_PERSUADED = "not_persuaded"
    ALREADY_DEFRAUDED = "already_defrauded"
    FALSE_ALARM = "false_alarm"
    UNREACHABLE = "unreachable"


class SupportOutcome(StrEnum):
    """What came of the offer of support after a loss. ACCEPTED: the resident wants support; NOTHING_NEW: nothing has
    happened since; CONTACTED: scammers have contacted the resident again; DECLINED: the resident wants no further
    support calls.
    """

    ACCEPTED = "accepted"  # the resident accepts support
    NOTHING_NEW = "nothing_new"
    CONTACTED = "contacted"  # scammers have contacted the resident again
    DECLINED = "declined"  # the resident wants no further support calls


class WeekAnswer(StrEnum):
    """The answer of a dissuaded resident who was asked a week later whether they have paid since. PAID_SINCE: they say
    that they have; CONTACTED_AGAIN: the scammer has contacted them again; NO_ANSWER: nobody answered the question.
    """

    NOTHING_PAID = "nothing_paid"
    PAID_SINCE = "paid_since"
    CONTACTED_AGAIN = "contacted_again"
    NO_ANSWER = "no_answer"


class OutcomeGround(StrEnum):
    """The ground of the outcome "dissuaded". The case itself records three of them: CALL, VISIT: somebody talked with
    the resident by telephone, or met them; KEY: the resident pressed the key of an automated call.

    A person states the others: CALLED_BACK: the resident called back, on another telephone; RELATIVE: a relative is
    with them; BANK: the bank has talked with them; COUNTER: they came to a bank's counter or to the police; OTHER: the
    note says what.
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
        """True if the case itself records that the resident answered or was met (CALL, VISIT, KEY); False for a stated
        ground.
        """
        return self in (OutcomeGround.CALL, OutcomeGround.VISIT, OutcomeGround.KEY)


class LastResort(StrEnum):
    """The reason why no milder measure helps than a hold on outgoing transfers of the resident's own account.
    NOT_DISSUADED: somebody has reached the resident without dissuading them; DURESS: somebody forces the resident to
    pay, as an operator states; TALKING: an operator is talking with the resident (only for a delay of hours).
    """

    NOT_DISSUADED = "not_dissuaded"  # somebody has reached the resident, and has not dissuaded them
    DURESS = "duress"  # somebody forces the resident to pay, as an operator states
    TALKING = "talking"  # an operator is talking with the resident: only for a delay, of hours


class CallResult(StrEnum):
    """The result of a call that the desk placed."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"


class EvidenceClass(StrEnum):
    """The certainty that the resident kept the money or gets it back; A is best.

    A: a bank confirmed it frozen or returned; B: cancelled in flight; C: the resident named the transfer and did not
    make it; D: estimated by a model, and never added to the others.
    """

    A = "A"  # a bank confirmed it frozen or returned
    B = "B"  # cancelled in flight
    C = "C"  # the resident named the transfer and did not make it
    D = "D"
