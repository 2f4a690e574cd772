"""Administrators' requests on the topic `admin-requests`: one person asks, a security administrator confirms."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.base import Model, Note, Text, Token, When
from schemas.people.staff import Login

LEAST_REASON, MOST_REASON = 2, 300

Given = Annotated[str, StringConstraints(max_length=500)]
"""A field of the form as it was given; it is checked again when the request is carried out. Never a secret."""


class AdminAct(StrEnum):
    """An act of administration that needs two persons: making, changing or enabling an account, a new one-time password
    (ONE_TIME), removing an account's second factors (RESET_FACTOR), a new token or webhook.
    """

    ACCOUNT_NEW = "account-new"
    ACCOUNT_CHANGE = "account-change"
    ACCOUNT_ENABLE = "account-enable"
    ONE_TIME = "one-time"  # a new one-time password
    RESET_FACTOR = "reset-factor"
    TOKEN_NEW = "token-new"  # noqa: S105 - an act's name
    WEBHOOK_NEW = "webhook-new"


class RequestState(StrEnum):
    """The state of a request. ASKED: it waits for a security administrator. CONFIRMED: it may be carried out; if that
    makes a secret, it waits until the administrator who asked carries it out. REFUSED, DONE: it has ended.
    """

    ASKED = "asked"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    DONE = "done"


class AdminRequest(Model):
    """An administrator's request. `on`: the login, or the webhook's host. `seen`: a hash of the account as the
    administrator saw it who asked, or "".

    `until`: when the request lapses. By then it must be decided; a confirmed one gets a new limit, by which it must be
    carried out.
    """

    id: Token
    act: AdminAct
    on: Text
    fields: Annotated[dict[Token, Given], Field(max_length=16)] = Field(default_factory=dict)
    seen: Annotated[str, StringConstraints(max_length=64)] = ""
    asked_by: Login
    asked_at: When
    until: When
    state: RequestState = RequestState.ASKED
    decided_by: Login | None = None
    decided_at: When | None = None
    words: Note = ""  # the reason for refusing
