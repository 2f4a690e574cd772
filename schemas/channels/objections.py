"""A bank's objection to a stop order, as the bank sends it, and the answer."""

from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Text, Token, When
from schemas.casework.objections import ObjectionGround, ObjectionState, Objector


class ObjectionNotice(Model):
    """A bank's notice that somebody objects, through the bank, to a stop order that it got.

    `id`: the bank's own number of the objection, so that a repeated notice counts once; `dispatch`: the id under which
    the bank got the order; `account`: the number of the stopped account.
    """

    id: Annotated[Text, Field(max_length=100)]
    dispatch: Annotated[str, Field(min_length=1, max_length=120)]
    account: Annotated[Text, Field(max_length=64)]
    who: Objector
    ground: ObjectionGround
    text: Note = ""


class ObjectionStands(Model):
    """The answer to a bank's notice: the state of the objection with the id `objection`. `due`: by when a person must
    decide; None until the case has accepted the objection. The answer to a repeated notice has the state at that time.
    """

    objection: Token
    state: ObjectionState
    due: When | None = None
