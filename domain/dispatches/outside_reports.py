"""Decides which inputs of a case a party outside may report: providers, banks, stations and the voice gateway."""

import re
from typing import TypeGuard, get_args

from domain.carriers.operator_calls import CallNote
from domain.identity.identifiers import is_minor
from domain.policy.messages import KEYS, WEEK_KEYS
from schemas.casework.acts import HandOverCallAct, NoteAct
from schemas.casework.call_recordings import RecordedCallAct
from schemas.casework.inputs import (
    TOLD_BY_SYSTEM,
    BankFeedback,
    CaseInput,
    ContactResult,
    ObjectStop,
    OfficerReport,
    OperatorReport,
    OwnHoldAnswer,
    ResidentInput,
    ResidentReply,
    TakeOver,
)
from schemas.casework.third_parties import ThirdPartyAct
from schemas.channels.receipts import CallState, SmsState
from schemas.levels import Result
from schemas.people.residents import ReportSource, Resident

CALL_NOTES = frozenset(get_args(CallNote))
CONTACT_RESULTS = frozenset(
    {
        *(Result(state.value) for state in SmsState),
        *(Result(state.value) for state in CallState if state is not CallState.ANSWERED),
        *KEYS.values(),
        *WEEK_KEYS.values(),
        Result.HUNG_UP,
    }
)
"""The results that a carrier reports. The others are the channels' own."""

_HASHED = re.compile(r"[0-9a-f]{20}")  # domain.ids.short_hash


def is_reported(given: CaseInput) -> TypeGuard[ResidentInput]:
    """Return True if a party outside may report the input `given`; False for every other input.

    A party outside may report an answer to a dispatch, under an id that begins with the dispatch's; a bank's objection;
    the notes, third parties, a transfer or the recording of an operator's call; and a case that another province hands
    over. An input's id is applied once, so no report may have the id of another's input, such as a deadline's.
    """
    match given:
        case ContactResult():
            return _answers(given) and given.result in CONTACT_RESULTS
        case OfficerReport():
            told_elsewhere = (given.because, given.to, given.told_at)
            return _answers(given) and given.stage not in TOLD_BY_SYSTEM and not any(told_elsewhere)
        case BankFeedback() | OwnHoldAnswer() | ResidentReply():
            return _answers(given)
        case ObjectStop():
            return _is_hashed(given) and given.bank is not None and given.by is None
        case TakeOver():
            newcomer = given.person is None or _is_newcomer(given, given.person)
            return _is_hashed(given) and newcomer and _is_newcomers_guardian(given)
        case OperatorReport(act=NoteAct() as act):
            return _is_hashed(given) and given.role is None and act == NoteAct(what=act.what) and act.what in CALL_NOTES
        case OperatorReport(act=ThirdPartyAct() | HandOverCallAct() | RecordedCallAct()):
            return _is_hashed(given) and given.role is None
        case _:
            return False


def _answers(given: ContactResult | OfficerReport | BankFeedback | OwnHoldAnswer | ResidentReply) -> bool:
    return given.id.startswith(f"{given.dispatch}:")


def _is_hashed(given: ObjectStop | OperatorReport | TakeOver) -> bool:
    return _HASHED.fullmatch(given.id) is not None


def _is_newcomer(given: TakeOver, person: Resident) -> bool:
    """Return True if the entry is the provisional one of the input's resident, replaces no other and claims no ID."""
    of_age = person.guardian is None or is_minor(person, given.at)
    return of_age and person.id == given.resident and _is_provisional(person)


def _is_newcomers_guardian(given: TakeOver) -> bool:
    """Return True if the input has no guardian's entry, or the provisional one of the newcomer's guardian."""
    if given.guardian is None:
        return True
    own = given.person is not None and given.person.guardian == given.guardian.id != given.person.id
    return own and given.guardian.guardian is None and _is_provisional(given.guardian)


def _is_provisional(entry: Resident) -> bool:
    plain = entry.merged_into is None and entry.id_hash is None
    return plain and entry.provisional is ReportSource.FORCE
