"""Makes intake's OpenAPI description: signals, receipts, dead letters. The console's: console/web/kit/described.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Body, FastAPI, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, TypeAdapter
from pydantic.json_schema import JsonSchemaValue

from console.reference.answers import (
    Accepted,
    Alive,
    Counted,
    Faulty,
    Invalid,
    Letter,
    LetterDone,
    Letters,
    NotesTaken,
    NotTaken,
    PartTaken,
    Ready,
    Refusal,
    StateTaken,
    Taken,
    WholeLetter,
)
from console.reference.json_schema import RemarkSchema
from schemas.base import Text
from schemas.casework.call_recordings import RecordedPartReport
from schemas.channels.handovers import CaseHandover, HandoverRefusal, HandoverTaken
from schemas.channels.incoming_calls import IncomingCallReport
from schemas.channels.objections import ObjectionNotice, ObjectionStands
from schemas.channels.operator_calls import OperatorCallReport
from schemas.channels.receipts import BankReceipt, OwnHoldReceipt, SmsReceipt, SmsReply, StationReceipt, VoiceReceipt
from schemas.risk.payee_checks import MOST_SUBJECTS, AbandonedCheck, PayeesFound, PayeeSubject
from schemas.risk.reported_frauds import ReportedFraud
from schemas.risk.signals import Signal
from streams.channels.signing import NONCE, SIGNATURE, TIMESTAMP, TOLERANCE_SECONDS
from streams.dead_letters.api import Act, Asked, Drop
from streams.intake.parsing import LINES, MOST_ITEMS, XML
from streams.iso20022.payments import KINDS
from streams.iso20022.resolution import KINDS as ANSWERS

Document = dict[str, Any]
Kind = Any  # a model or a union of models, for a TypeAdapter

ABOUT = (
    "Intake takes in what feeds and providers send. A feed has a key for its source, an operator one for dead letters, "
    f"and a provider signs: {SIGNATURE} is HMAC-SHA256 in hexadecimal, with the key that was agreed for its channel, "
    "or, of a bank, with that bank's own (QUANZU_RECEIPTS_SECRET), over six lines joined by a line feed: the method, "
    f"the path, the channel (sms, voice, bank, station or province), {TIMESTAMP}, {NONCE} and the body's "
    f"SHA-256 in hexadecimal. A signature is taken for {TOLERANCE_SECONDS} s, and a nonce once: each attempt has a new "
    "one."
)
LICENCE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
Security = dict[str, list[str]]
FEED: Security = {"feed": []}
OPERATOR: Security = {"operator": []}
SIGNED: Security = {"signature": [], "timestamp": [], "nonce": []}
WORDS = {
    200: "Done",
    202: "All stored in Kafka",
    400: "The request cannot be read",
    401: "No valid key, or no valid signature",
    403: "The key is not for this",
    404: "There is no such thing",
    408: "The body took too long to arrive",
    409: "Done before",
    413: "Too long",
    415: "Neither JSON, NDJSON nor XML, or packed otherwise than by gzip",
    422: "Some items are invalid; each is named",
    429: "Over the source's rate: see Retry-After",
    503: "Not now: keep it and send it again, see Retry-After",
}
SCHEMES = {
    "feed": {"type": "http", "scheme": "bearer", "description": "The key of a source (QUANZU_API_KEYS)"},
    "operator": {"type": "http", "scheme": "bearer", "description": "An operator's key (QUANZU_OPERATOR_KEYS)"},
    "signature": {"type": "apiKey", "in": "header", "name": SIGNATURE},
    "nonce": {"type": "apiKey", "in": "header", "name": NONCE, "description": "16 to 64 random letters or digits"},
    "timestamp": {"type": "apiKey", "in": "header", "name": TIMESTAMP, "description": "Seconds since 1970"},
}


class SentFraud(ReportedFraud):
    """A fraud that a victim reported to the police, as it is sent. Everything about the victim is optional.

    `id_number`: the victim's ID number, instead of `id_hash`.
    """

    id_number: Text | None = None


class Masked(BaseModel):
    """The query parameters of one dead letter."""

    mask: bool = Field(False, description="Hide numbers and names")


@dataclass(frozen=True, slots=True)
class Operation:
    """One route of intake: its access (`security`, None: open), parameters, body, and the model of its answers by
    status.
    """

    method: str
    path: str
    summary: str
    answers: Mapping[int, Kind]
    security: Security | None = None
    body: Kind = None
    query: type[BaseModel] | None = None
    lines: bool = False  # the body may also be NDJSON
    document: str = ""  # the body may also be XML: what it holds


_SIGNALS = Annotated[list[Signal], Field(max_length=MOST_ITEMS)]
_FRAUDS = Annotated[list[SentFraud], Field(max_length=MOST_ITEMS)]
_PAYEES = Annotated[list[PayeeSubject], Field(max_length=MOST_SUBJECTS)]
_REFUSED: dict[int, Kind] = dict.fromkeys((400, 401, 408, 413), Refusal)
_NOT_TAKEN: dict[int, Kind] = dict.fromkeys((400, 401, 403, 404, 408, 409, 413, 503), NotTaken)
_NOT_OPERATOR: dict[int, Kind] = dict.fromkeys((401, 403, 503), Refusal)
_ACT: dict[int, Kind] = dict.fromkeys((400, 404, 408, 409, 413, 415, 422), Refusal) | _NOT_OPERATOR

OPERATIONS = (
    Operation(
        "post",
        "/signals",
        f"Accept one signal, an array of at most {MOST_ITEMS:,}, NDJSON, or an ISO 20022 document; answered "
        "when Kafka has them. Sent again after a 503 or a time-out, the same ids keep them from counting twice.",
        {202: Accepted, 422: Faulty, **_REFUSED, **dict.fromkeys((403, 415, 429, 503), Refusal)},
        FEED,
        Signal | _SIGNALS,
        lines=True,
        document=f"ISO 20022: {', '.join(KINDS)}",
    ),
    Operation(
        "post",
        "/v1/payees/check",
        f"A bank asks before it pays, about one account, telephone or link, or an array of at most {MOST_SUBJECTS}. "
        "The answer not_known is no statement of safety. 422: some items are invalid, and none was looked up.",
        {200: PayeesFound, 422: Invalid, **_REFUSED, **dict.fromkeys((403, 415, 429, 503), Refusal)},
        FEED,
        PayeeSubject | _PAYEES,
    ),
    Operation(
        "post",
        "/v1/payees/check/abandoned",
        "The customer abandoned the payment after a check. Told again, it counts once.",
        {200: Counted, 422: Invalid, **_REFUSED, **dict.fromkeys((403, 415, 429, 503), Refusal)},
        FEED,
        AbandonedCheck,
    ),
    Operation(
        "post",
        "/v1/reported-frauds",
        f"Accept one record of the police about a reported fraud, an array of at most {MOST_ITEMS:,}, or NDJSON; "
        "answered when Kafka has them. A later version of a record replaces an earlier one, and one that is "
        "sent again counts once. id_number: the victim's, instead of its hash; it is hashed at once, never stored.",
        {202: Accepted, 422: Faulty, **_REFUSED, **dict.fromkeys((403, 415, 429, 503), Refusal)},
        FEED,
        SentFraud | _FRAUDS,
        lines=True,
    ),
    Operation(
        "post",
        "/v1/objections",
        "A bank passes on an objection to a stop order that it got, or that is about an account of its own. 202: it is "
        "written; sent again, it counts once, and 200 says how it stands. 404: no such order of this bank and account.",
        {
            200: ObjectionStands,
            202: ObjectionStands,
            **_REFUSED,
            **dict.fromkeys((403, 404, 409, 415, 429, 503), Refusal),
        },
        FEED,
        ObjectionNotice,
    ),
    Operation(
        "post",
        "/handovers",
        "Another province hands a case over, signed with the key of province/CODE; only if QUANZU_PROVINCES names it. "
        "200: the case is open here, under this number, however often the offer comes. 409: it is not taken, and why. "
        "503: send it again.",
        {200: HandoverTaken, 409: HandoverRefusal, **dict.fromkeys((400, 401, 408, 413, 503), NotTaken)},
        SIGNED,
        CaseHandover,
    ),
    Operation("get", "/healthz", "200 while the process runs.", {200: Alive}),
    Operation("get", "/readyz", "Whether signals would be accepted now.", {200: Ready, 503: Ready}),
    *(
        Operation(
            "post",
            f"/receipts/{name}",
            about,
            {200: Taken, **_NOT_TAKEN, **({415: NotTaken} if document else {})},
            SIGNED,
            model,
            document=document,
        )
        for name, model, about, document in (
            ("sms", SmsReceipt, "A carrier reports the result of a text message.", ""),
            ("sms/replies", SmsReply, "A carrier passes on a telephone's reply to a text message.", ""),
            ("voice", VoiceReceipt, "A carrier reports the result of an automated call.", ""),
            ("bank", BankReceipt, "A bank reports the result of a stop-payment.", f"ISO 20022: {', '.join(ANSWERS)}"),
            ("own-holds", OwnHoldReceipt, "A bank answers an order about its customer's own account.", ""),
            ("station", StationReceipt, "A station reports the stage of an officer's visit.", ""),
        )
    ),
    Operation(
        "post",
        "/receipts/operator-calls",
        "The voice gateway reports the state of an operator's call.",
        {200: NotesTaken, **{status: kind for status, kind in _NOT_TAKEN.items() if status != 403}},
        SIGNED,
        OperatorCallReport,
    ),
    Operation(
        "post",
        "/receipts/incoming-calls",
        "The voice gateway reports the state of a call to the centre.",
        {200: StateTaken, **{status: kind for status, kind in _NOT_TAKEN.items() if status not in (403, 404)}},
        SIGNED,
        IncomingCallReport,
    ),
    Operation(
        "post",
        "/receipts/call-recordings",
        "The voice gateway sends an encrypted part of a recording.",
        {200: PartTaken, **{status: kind for status, kind in _NOT_TAKEN.items() if status != 403}},
        SIGNED,
        RecordedPartReport,
    ),
    Operation(
        "get",
        "/dead-letters",
        "The newest dead letters, without their bytes.",
        {200: Letters, 422: Refusal, **_NOT_OPERATOR},
        OPERATOR,
        query=Asked,
    ),
    Operation(
        "get",
        "/dead-letters/{id}",
        "One dead letter with its bytes. Do not escape the slashes of its id.",
        {200: WholeLetter, 404: Refusal, **_NOT_OPERATOR},
        OPERATOR,
        query=Masked,
    ),
    Operation(
        "post",
        "/dead-letters/{id}/send-again",
        "Send it again unchanged, or repaired by one of text, base64 and mapping. dry_run only checks.",
        {200: LetterDone, **_ACT},
        OPERATOR,
        Act,
    ),
    Operation("post", "/dead-letters/{id}/drop", "Drop it for good.", {200: LetterDone, **_ACT}, OPERATOR, Drop),
)


def openapi(version: str) -> Document:
    """Return the OpenAPI document of intake. `version`: Quanzu's version.

    Intake's real handlers read bytes, for speed; FastAPI is given substitutes with the same paths, bodies and answers.
    """
    app = FastAPI(title="Quanzu's intake", version=version, description=ABOUT, license_info=LICENCE)
    for each in OPERATIONS:
        app.router.routes.append(_route(each))
    made = app.openapi()
    made["components"] = {"schemas": _schemas(), "securitySchemes": SCHEMES}
    for each in OPERATIONS:
        if 422 not in each.answers:  # FastAPI adds it to every operation with parameters
            made["paths"][each.path][each.method]["responses"].pop("422", None)
    return made


def _route(each: Operation) -> APIRoute:
    done, *others = sorted(each.answers)
    extra: Document = {"security": [each.security or {}]}
    also = {LINES: "A signal a line" if each.lines else "", XML: each.document}
    if told := {kind: {"schema": {"type": "string", "description": what}} for kind, what in also.items() if what}:
        extra["requestBody"] = {"content": told}
    return APIRoute(
        each.path,
        _handler(each),
        methods=[each.method.upper()],
        summary=each.summary,
        operation_id=_name(each),
        status_code=done,
        response_model=each.answers[done],
        response_description=WORDS[done],
        responses={status: {"model": each.answers[status], "description": WORDS[status]} for status in others},
        openapi_extra=extra,
    )


def _handler(each: Operation) -> Callable[..., None]:
    """Return a function without effect that has the operation's parameters."""
    takes = {
        "id": str if "{id}" in each.path else None,
        "asked": Annotated[each.query, Query()] if each.query else None,
        "body": Annotated[each.body, Body()] if each.body else None,
    }

    def handled(**_: object) -> None:
        return  # without a docstring, which would be in the description

    found = [Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in takes.items() if kind]
    vars(handled)["__signature__"] = Signature(found)
    return handled


def _schemas() -> JsonSchemaValue:
    """Return the schemas of all bodies and answers. Unlike FastAPI's, they have the fields' comments
    as descriptions.
    """
    kinds = [kind for each in OPERATIONS for kind in (each.body, *each.answers.values()) if kind is not None]
    wanted = {repr(kind): kind for kind in [*kinds, Letter]}
    _, shared = TypeAdapter.json_schemas(
        [(name, "validation", TypeAdapter(kind)) for name, kind in wanted.items()],
        ref_template="#/components/schemas/{model}",
        schema_generator=RemarkSchema,
    )
    found: JsonSchemaValue = shared["$defs"]
    return found


def _name(each: Operation) -> str:
    return "-".join([each.method, *(part.strip("{}") for part in each.path.split("/") if part)])
