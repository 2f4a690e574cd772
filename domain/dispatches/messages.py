"""The messages to residents, and the code by which 96110 confirms that a message is genuine."""

import hashlib
import hmac

from domain.dispatches.ids import named, of_case
from domain.identity.identifiers import phone_tail
from domain.policy.messages import DEFAULT, Messages, Wording
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.levels import Action, Channel
from schemas.people.residents import Language

_DIGITS = 6


def render(
    messages: Messages, dispatch: Dispatch, language: Language, phone: str, code: str, own: Wording | None = None
) -> str:
    """Return the text of a dispatch in `language`, from the template of its action and scam type.

    `own`: the templates of an experiment's arm, used instead of the policy's where they have a text; None: the
    policy's. `phone`: the resident's number, whose last four digits are in the text, also in a text to a trusted
    contact: it tells about whom it is, not what happened. `code`: the one-time code in the text. Raises ValueError for
    an action without a text, such as a visit, unless `own` has one.
    """
    texts = own.texts(language) if own else {}
    text = texts.get(dispatch.scam_type, texts.get(DEFAULT, ""))
    text = text or worded(messages, dispatch.action, language, dispatch.scam_type)
    return text.format(tail=phone_tail(phone), code=code)


def worded(messages: Messages, action: Action, language: Language, scam_type: str) -> str:
    """Return the policy's template of an action in `language` for a scam type, or the action's default template if it
    has none for this type.

    The placeholders are not filled in. Raises ValueError for an action without a text, such as a visit.
    """
    wording = messages.wording(action)
    if wording is None:
        raise ValueError(f"{action.value} says nothing by itself")
    texts = wording.texts(language)
    return texts.get(scam_type, texts[DEFAULT])


def template_name(messages: Messages, action: Action, language: Language, scam_type: str) -> str | None:
    """Return the name of the template that `worded` returns, such as `sms.zh.police` or `sms.ko.default`; None for an
    action without a text, such as a visit.
    """
    wording = messages.wording(action)
    if wording is None:
        return None
    return f"{action.value}.{language.value}.{scam_type if scam_type in wording.texts(language) else DEFAULT}"


def code(secret: bytes, dispatch: str) -> str:
    """Return the one-time code of a dispatch id: 6 digits, with leading zeros. Only the holder of `secret` can compute
    it.
    """
    digest = hmac.digest(secret, f"code:{dispatch}".encode(), hashlib.sha256)
    return str(int.from_bytes(digest[:8]) % 10**_DIGITS).zfill(_DIGITS)


def confirm(secret: bytes, case: Case, given: str) -> str | None:
    """Return the id of the dispatch of this case whose code a caller read out, or None if no dispatch has that code.

    `given`: the caller's words, of which only the digits count. If two dispatches have the same code, the latest
    attempt of the first step is returned.
    """
    wanted = "".join(filter(str.isdigit, given)).encode()
    for dispatch in of_case(case):
        if hmac.compare_digest(code(secret, dispatch).encode(), wanted):
            return dispatch
    return None


def latest_code(secret: bytes, case: Case) -> str:
    """Return the one-time code in the latest SMS of this case, which the resident would read out; "" if the case knows
    none: no SMS of this case was sent, or a later contact came more than 24 hours after it, since when it is no longer
    in `Case.contacted`.
    """
    steps = {step.id for step in case.steps}  # `contacted` also has contacts of the resident's earlier case
    sent = [each for each in case.contacted if each.channel is Channel.SMS and each.step in steps]
    if not sent:
        return ""
    last = max(sent, key=lambda each: each.at)
    return code(secret, named(case.id, last.step, last.attempt, last.channel))
