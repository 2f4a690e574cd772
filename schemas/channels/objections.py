"""A bank's objection to a stop order, as it sends it, and the answer."""

from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Text, Token, When
from schemas.casework.objections import ObjectionGround, ObjectionState, Objector


class ObjectionNotice(Model):
    """Somebody objects, through the bank, to a stop order that it got. `id`: the bank's own number of the objection, so
    that a repetition counts once; `dispatch`: the id under which the order came; `account`: the stopped account.
    """

    id: Annotated[Text, Field(max_length=100)]
    dispatch: Annotated[str, Field(min_length=1, max_length=120)]
    account: Annotated[Text, Field(max_length=64)]
    who: Objector
    ground: ObjectionGround
    text: Note = ""


class ObjectionStands(Model):
    """How the objection to the stop of an account stands. `due`: by when somebody must decide; None until the case has
    taken it. Sent again, the same notice is answered with the state by then.
    """

    objection: Token
    state: ObjectionState
    due: When | None = None
