"""The messages to residents, and the code by which 96110 confirms that a message is genuine."""

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
    """Return the text of a dispatch, from its action's template. `phone`: the resident's; `code`: its one-time code.

    The text has the last four digits of the resident's phone; a trusted contact's too: it says whom it is about, not
    what happened. Raises ValueError for an action without a text, such as a visit.
    """
    return worded(messages, dispatch.action, language, dispatch.scam_type).format(tail=phone_tail(phone), code=code)


def worded(messages: Messages, action: Action, language: Language, scam_type: str) -> str:
    """Return the template of an action for a scam type, or the default one. Raises ValueError for an action without a
    text, such as a visit.
    """
    wording = messages.wording(action)
    if wording is None:
        raise ValueError(f"{action.value} says nothing by itself")
    texts = wording.texts(language)
    return texts.get(scam_type, texts[DEFAULT])


def code(secret: bytes, dispatch: str) -> str:
    """Return the one-time code of a dispatch id: 6 digits, leading zeros included, that only the holder of `secret` can
    compute.
    """
    digest = hmac.digest(secret, f"code:{dispatch}".encode(), hashlib.sha256)
    return str(int.from_bytes(digest[:8]) % 10**_DIGITS).zfill(_DIGITS)


def confirm(secret: bytes, case: Case, given: str) -> str | None:
    """Return the id of the case's dispatch with the code that a caller read out, or None if none had it.

    Only the digits of `given` count. Of equal codes, the latest attempt is returned.
    """
    wanted = "".join(filter(str.isdigit, given)).encode()
    for dispatch in of_case(case):
        if hmac.compare_digest(code(secret, dispatch).encode(), wanted):
            return dispatch
    return None


def latest_code(secret: bytes, case: Case) -> str:
    """Return the code of the case's last SMS, which the resident would read out; "" if none was sent."""
    steps = {step.id for step in case.steps}  # `contacted` also has contacts of the resident's earlier case
    sent = [each for each in case.contacted if each.channel is Channel.SMS and each.step in steps]
    if not sent:
        return ""
    last = max(sent, key=lambda each: each.at)
    return code(secret, named(case.id, last.step, last.attempt, last.channel))
