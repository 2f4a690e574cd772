"""What the cause codes of telephone networks and exchanges mean, as one enum (`CallEnd`).

For a code that is not in the table, the functions return None, and nothing is guessed; but `end_by_sip` returns FAILED
for any other final status that refuses a call. Only Asterisk's disposition says whether a call was answered. For the
other codes, the caller must know that from elsewhere, and asks only if nobody answered.
"""

from schemas.risk.signals import CallEnd

BUSY, NO_ANSWER, REFUSED, CANCELLED = CallEnd.BUSY, CallEnd.NO_ANSWER, CallEnd.REFUSED, CallEnd.CANCELLED
WRONG, AWAY, FAILED = CallEnd.WRONG_NUMBER, CallEnd.OUT_OF_AREA, CallEnd.FAILED

# ITU-T Q.850 (05/98 with later amendments), table 1. 16, normal clearing, of a call that nobody answered: the caller
# hung up. 20: the mobile subscriber is absent; 27: the destination cannot be reached.
_Q850 = {
    1: WRONG, 16: CANCELLED, 17: BUSY, 18: NO_ANSWER, 19: NO_ANSWER, 20: AWAY, 21: REFUSED, 22: WRONG, 27: AWAY,
    28: WRONG,
    **dict.fromkeys((2, 3, 4, 5, 6, 7, 8, 9, 14, 23, 24, 25, 26, 29, 30, 31), FAILED),
    **dict.fromkeys((34, 38, 39, 40, 41, 42, 43, 44, 46, 47, 49, 50, 53, 55, 57, 58, 62, 63), FAILED),
    **dict.fromkeys((65, 66, 69, 70, 79, 81, 82, 83, 84, 85, 86, 87, 88, 90, 91, 95, 96, 97, 98, 99), FAILED),
    **dict.fromkeys((100, 101, 102, 103, 110, 111, 127), FAILED),
}  # fmt: skip

# RFC 3261, section 21; 603 and 604 there; 607 RFC 8197, 608 RFC 8688. 487: the answer to a request that was cancelled.
_SIP = {
    404: WRONG, 408: NO_ANSWER, 410: WRONG, 480: NO_ANSWER, 484: WRONG, 486: BUSY, 487: CANCELLED, 600: BUSY,
    603: REFUSED, 604: WRONG, 607: REFUSED, 608: REFUSED,
}  # fmt: skip
_SIP_FINAL = range(300, 700)  # final answers that refuse a call: RFC 3261, section 7.2

# Asterisk, main/cdr.c, ast_cdr_disp2str: all its results but UNKNOWN, which says nothing.
_ASTERISK = {
    "ANSWERED": CallEnd.ANSWERED, "BUSY": BUSY, "NO ANSWER": NO_ANSWER, "FAILED": FAILED, "CONGESTION": FAILED,
}  # fmt: skip

# FreeSWITCH, src/switch_channel.c, CAUSE_CHART: names of Q.850's causes, with their numbers in switch_types.h.
_FREESWITCH_Q850 = {
    "UNALLOCATED_NUMBER": 1, "NO_ROUTE_TRANSIT_NET": 2, "NO_ROUTE_DESTINATION": 3, "CHANNEL_UNACCEPTABLE": 6,
    "CALL_AWARDED_DELIVERED": 7, "NORMAL_CLEARING": 16, "USER_BUSY": 17, "NO_USER_RESPONSE": 18, "NO_ANSWER": 19,
    "SUBSCRIBER_ABSENT": 20, "CALL_REJECTED": 21, "NUMBER_CHANGED": 22, "REDIRECTION_TO_NEW_DESTINATION": 23,
    "EXCHANGE_ROUTING_ERROR": 25, "DESTINATION_OUT_OF_ORDER": 27, "INVALID_NUMBER_FORMAT": 28, "FACILITY_REJECTED": 29,
    "RESPONSE_TO_STATUS_ENQUIRY": 30, "NORMAL_UNSPECIFIED": 31, "NORMAL_CIRCUIT_CONGESTION": 34,
    "NETWORK_OUT_OF_ORDER": 38, "NORMAL_TEMPORARY_FAILURE": 41, "SWITCH_CONGESTION": 42, "ACCESS_INFO_DISCARDED": 43,
    "REQUESTED_CHAN_UNAVAIL": 44, "FACILITY_NOT_SUBSCRIBED": 50, "BEARERCAPABILITY_NOTAUTH": 57,
    "BEARERCAPABILITY_NOTAVAIL": 58, "SERVICE_UNAVAILABLE": 63, "BEARERCAPABILITY_NOTIMPL": 65,
    "CHAN_NOT_IMPLEMENTED": 66, "FACILITY_NOT_IMPLEMENTED": 69, "SERVICE_NOT_IMPLEMENTED": 79,
    "INVALID_CALL_REFERENCE": 81, "INCOMPATIBLE_DESTINATION": 88, "INVALID_MSG_UNSPECIFIED": 95,
    "MANDATORY_IE_MISSING": 96, "MESSAGE_TYPE_NONEXIST": 97, "WRONG_MESSAGE": 98, "IE_NONEXIST": 99,
    "INVALID_IE_CONTENTS": 100, "WRONG_CALL_STATE": 101, "RECOVERY_ON_TIMER_EXPIRE": 102,
    "MANDATORY_IE_LENGTH_ERROR": 103, "PROTOCOL_ERROR": 111, "INTERWORKING": 127,
}  # fmt: skip

# The same table: FreeSWITCH's own causes. LOSE_RACE, PICKED_OFF: another telephone took the call, so this one rang.
# USER_NOT_REGISTERED: the telephone is not connected. NO_PICKUP, ALLOTTED_TIMEOUT: it rang, and the time was over.
_FREESWITCH = {
    "ORIGINATOR_CANCEL": CANCELLED, "LOSE_RACE": NO_ANSWER, "PICKED_OFF": NO_ANSWER, "NO_PICKUP": NO_ANSWER,
    "ALLOTTED_TIMEOUT": NO_ANSWER, "PROGRESS_TIMEOUT": AWAY, "USER_NOT_REGISTERED": AWAY, "BUSY_EVERYWHERE": BUSY,
    "DECLINE": REFUSED, "UNWANTED": REFUSED, "REJECT_ALL": REFUSED, "DOES_NOT_EXIST_ANYWHERE": WRONG,
    "PRE_EMPTED": FAILED, "OUTGOING_CALL_BARRED": FAILED, "INCOMING_CALL_BARRED": FAILED, "CRASH": FAILED,
    "SYSTEM_SHUTDOWN": FAILED, "MANAGER_REQUEST": FAILED, "BLIND_TRANSFER": FAILED, "ATTENDED_TRANSFER": FAILED,
    "USER_CHALLENGE": FAILED, "MEDIA_TIMEOUT": FAILED, "INVALID_GATEWAY": FAILED, "GATEWAY_DOWN": FAILED,
    "INVALID_URL": FAILED, "INVALID_PROFILE": FAILED, "SRTP_READ_ERROR": FAILED, "BOWOUT": FAILED,
    "NOT_ACCEPTABLE": FAILED, "NO_IDENTITY": FAILED, "BAD_IDENTITY_INFO": FAILED, "UNSUPPORTED_CERTIFICATE": FAILED,
    "INVALID_IDENTITY": FAILED, "STALE_DATE": FAILED,
}  # fmt: skip


def end_by_q850(cause: int) -> CallEnd | None:
    """Return how an unanswered call ended, by its Q.850 cause; None for a number that Q.850 does not define. The caller
    makes sure that nobody answered.
    """
    return _Q850.get(cause)


def end_by_sip(status: int) -> CallEnd | None:
    """Return how an unanswered call ended, by its final SIP status; None for a status that is not from 300 to 699,
    because it does not refuse a call. A status that tells nothing about the called person, such as 403 or 503, is
    FAILED.
    """
    return _SIP.get(status, FAILED) if status in _SIP_FINAL else None


def end_by_asterisk(disposition: str) -> CallEnd | None:
    """Return how a call ended, answered or not, by Asterisk's disposition in upper or lower case; None for UNKNOWN and
    for any other word.
    """
    return _ASTERISK.get(disposition.upper())


def end_by_freeswitch(cause: str) -> CallEnd | None:
    """Return how an unanswered call ended, by the name of FreeSWITCH's hangup cause; None for an unknown name. The
    caller makes sure that nobody answered.
    """
    number = _FREESWITCH_Q850.get(cause)
    return _FREESWITCH.get(cause) if number is None else _Q850[number]
