"""The parameters of codes that are a person's own words, and codes for readers who may not see all of them."""

from collections.abc import Callable
from typing import Any

import msgspec

from domain.identity.free_text import masked_text
from schemas.base import legible
from schemas.codes.any_code import AnyCode
from schemas.codes.base import Code
from schemas.codes.danger import CombinedEvidence, DangerCode
from schemas.codes.replies import Replied, RepliedStop, RepliedStopLater

MOST_TOLD = 60  # assumed: a policy's texts for two kinds of evidence have under 20
OWN_WORDS = frozenset({"authority", "decision", "note", "recording", "text"})


def without_words(code: AnyCode) -> AnyCode:
    """Return a copy of the code, and of the codes in its parameters, with "" for each text that a person wrote
    (OWN_WORDS).
    """
    return _changed(code, lambda _: "")


def masked_words(code: AnyCode) -> AnyCode:
    """Return a copy of the code, and of the codes in its parameters, with telephone, card and ID numbers masked in each
    text that a person wrote (OWN_WORDS).
    """
    return _changed(code, lambda words: masked_text(legible(words)))


def webhook_words(code: AnyCode) -> AnyCode:
    """Return a copy of the code as a webhook may have it. For a reply to a text message, each text that a person wrote
    is ""; for any other code, these texts are masked as by `masked_words`.
    """
    return without_words(code) if isinstance(code, Replied | RepliedStop | RepliedStopLater) else masked_words(code)


def told_elsewhere(code: DangerCode) -> DangerCode:
    """Return a reason of another installation as it is kept here: its texts are the other one's, not of the policy
    here, so telephone, card and ID numbers are masked in them, and they end after MOST_TOLD characters (60).
    """
    if isinstance(code, CombinedEvidence):
        return CombinedEvidence(masked_text(legible(code.words))[:MOST_TOLD])
    return code


def _changed(code: AnyCode, change: Callable[[str], str]) -> AnyCode:
    found = {name: getattr(code, name) for name in code.__struct_fields__}
    return msgspec.structs.replace(code, **{name: _shown(name, value, change) for name, value in found.items()})


def _shown(name: str, value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - a parameter of any type
    if name in OWN_WORDS and isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_shown("", each, change) for each in value)
    return _changed(value, change) if isinstance(value, Code) else value  # type: ignore[arg-type]  # only codes nest
