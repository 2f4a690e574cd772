"""What a resident reads or hears, and the code by which 96110 confirms that it was us."""

import hashlib
import hmac

from domain.dispatches.ids import named, of_case
from domain.identity.identifiers import phone_tail
from domain.policy.messages import DEFAULT, Messages
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.levels import Action, Channel
from schemas.people.residents import Language

_DIGITS = 6


def render(messages: Messages, dispatch: Dispatch, language: Language, phone: str, code: str) -> str:
    """The text of `dispatch` for the resident whose telephone is `phone`.

    A trusted contact is told the resident's last digits too: whom it is about, and nothing of what happened.

    Raises ValueError for an action that says nothing by itself, such as a visit.
    """
    return worded(messages, dispatch.action, language, dispatch.scam_type).format(tail=phone_tail(phone), code=code)


def worded(messages: Messages, action: Action, language: Language, scam_type: str) -> str:
    """The template that `action` uses. Raises ValueError for an action that says nothing by itself."""
    wording = messages.wording(action)
    if wording is None:
        raise ValueError(f"{action.value} says nothing by itself")
    texts = wording.texts(language)
    return texts.get(scam_type, texts[DEFAULT])


def code(secret: bytes, dispatch: str) -> str:
    """The one-time code of a dispatch: 6 digits that only the holder of `secret` can tell."""
    digest = hmac.digest(secret, f"code:{dispatch}".encode(), hashlib.sha256)
    return str(int.from_bytes(digest[:8]) % 10**_DIGITS).zfill(_DIGITS)


def confirm(secret: bytes, case: Case, given: str) -> str | None:
    """The dispatch of `case` that carried the code a caller reads out; none when we sent no such code.

    The latest attempt is looked at first.
    """
    wanted = "".join(filter(str.isdigit, given)).encode()
    for dispatch in of_case(case):
        if hmac.compare_digest(code(secret, dispatch).encode(), wanted):
            return dispatch
    return None


def latest_code(secret: bytes, case: Case) -> str:
    """The code of the SMS of `case` that went out last: what its resident would read out; empty when none did."""
    steps = {step.id for step in case.steps}  # contacts of the resident's earlier case are told too
    sent = [each for each in case.contacted if each.channel is Channel.SMS and each.step in steps]
    if not sent:
        return ""
    last = max(sent, key=lambda each: each.at)
    return code(secret, named(case.id, last.step, last.attempt, last.channel))
