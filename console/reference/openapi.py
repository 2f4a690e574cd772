"""OpenAPI of intake: signals, providers' receipts, dead letters. The console: console/web/kit/described.py."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.json_schema import JsonSchemaValue

from console.reference.answers import (
    Accepted,
    Alive,
    Faulty,
    Letter,
    LetterDone,
    Letters,
    NotTaken,
    Ready,
    Refusal,
    Taken,
    WholeLetter,
)
from console.reference.json_schema import RemarkSchema
from domain.feeds.dead_letters import State
from schemas.channels.receipts import BankReceipt, SmsReceipt, StationReceipt, VoiceReceipt
from schemas.risk.signals import Signal
from streams.channels.signing import SIGNATURE, TIMESTAMP, TOLERANCE_SECONDS
from streams.dead_letters.api import Act, Asked
from streams.intake.body import JSON, LINES
from streams.intake.parsing import MOST_ITEMS

Document = dict[str, Any]
Kind = Any  # what a TypeAdapter takes: a model, or a union of models

ABOUT = (
    "Intake takes in what feeds and providers send. A feed has a key for its source, an operator one for dead letters, "
    f"and a provider signs: {SIGNATURE} is HMAC-SHA256 in hexadecimal over the seconds in {TIMESTAMP}, a dot and the "
    f"body, with the key that was agreed (QUANZU_RECEIPTS_SECRET), at most {TOLERANCE_SECONDS} s old."
)
Security = dict[str, list[str]]
FEED: Security = {"feed": []}
OPERATOR: Security = {"operator": []}
SIGNED: Security = {"signature": [], "timestamp": []}
WORDS = {
    200: "Done",
    202: "Kafka has all of it",
    400: "The request cannot be read",
    401: "No valid key, or no valid signature",
    403: "The key is not for this",
    404: "There is no such thing",
    408: "The body took too long to arrive",
    409: "Done before",
    413: "Too long",
    415: "Neither JSON nor NDJSON, or packed otherwise than by gzip",
    422: "Items are wrong: each is named",
    429: "Over the source's rate: see Retry-After",
    503: "Not now: keep it and send it again, see Retry-After",
}
SCHEMES = {
    "feed": {"type": "http", "scheme": "bearer", "description": "The key of a source (QUANZU_API_KEYS)"},
    "operator": {"type": "http", "scheme": "bearer", "description": "An operator's key (QUANZU_OPERATOR_KEYS)"},
    "signature": {"type": "apiKey", "in": "header", "name": SIGNATURE},
    "timestamp": {"type": "apiKey", "in": "header", "name": TIMESTAMP, "description": "Seconds since 1970"},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One route: who may use it, what it takes and what it answers, by status."""

    method: str
    path: str
    summary: str
    answers: Mapping[int, Kind]
    security: Security | None = None
    body: Kind = None
    query: type[Asked] | None = None
    lines: bool = False  # the body may be NDJSON too
    also: Iterable[Document] = field(default=())  # parameters


_SIGNALS = Annotated[list[Signal], Field(max_length=MOST_ITEMS)]
_MASK = {
    "name": "mask",
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "Hide numbers and names",
}
_REFUSED: dict[int, Kind] = dict.fromkeys((400, 401, 408, 413), Refusal)
_NOT_TAKEN: dict[int, Kind] = dict.fromkeys((400, 401, 404, 408, 413, 503), NotTaken)
_NOT_OPERATOR: dict[int, Kind] = dict.fromkeys((401, 403, 503), Refusal)
_ACT: dict[int, Kind] = dict.fromkeys((400, 404, 408, 409, 413, 415, 422), Refusal) | _NOT_OPERATOR

OPERATIONS = (
    Operation(
        "post",
        "/signals",
        f"Accept one signal, an array of at most {MOST_ITEMS:,}, or NDJSON; answered when Kafka has them. Sent again "
        "after a 503 or a time-out, the same ids keep them from counting twice.",
        {202: Accepted, 422: Faulty, **_REFUSED, **dict.fromkeys((403, 415, 429, 503), Refusal)},
        FEED,
        Signal | _SIGNALS,
        lines=True,
    ),
    Operation("get", "/healthz", "The process lives.", {200: Alive}),
    Operation("get", "/readyz", "Signals would be accepted now.", {200: Ready, 503: Ready}),
    *(
        Operation("post", f"/receipts/{name}", about, {200: Taken, **_NOT_TAKEN}, SIGNED, model)
        for name, model, about in (
            ("sms", SmsReceipt, "The carrier tells what became of a text message."),
            ("voice", VoiceReceipt, "The carrier tells how a robot's call ended."),
            ("bank", BankReceipt, "A bank answers a stop-payment."),
            ("station", StationReceipt, "A station tells how far an officer has come."),
        )
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
        "One with its bytes. The id's slashes stay as they are.",
        {200: WholeLetter, 404: Refusal, **_NOT_OPERATOR},
        OPERATOR,
        also=(_MASK,),
    ),
    Operation(
        "post",
        "/dead-letters/{id}/send-again",
        "Send it again as it is, or mended by one of text, base64 and mapping. With dry_run nothing is done.",
        {200: LetterDone, **_ACT},
        OPERATOR,
        Act,
    ),
    Operation("post", "/dead-letters/{id}/drop", "Give it up.", {200: LetterDone, **_ACT}, OPERATOR, Act),
)


def openapi(version: str) -> Document:
    """The description; `version` is Quanzu's."""
    schemas, shared = _schemas()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Quanzu's intake",
            "version": version,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(schemas),
        "components": {"schemas": shared, "securitySchemes": SCHEMES},
    }


def _kinds() -> list[Kind]:
    found = [kind for each in OPERATIONS for kind in (each.body, *each.answers.values()) if kind is not None]
    return list({repr(kind): kind for kind in [*found, Letter]}.values())


def _schemas() -> tuple[dict[str, JsonSchemaValue], JsonSchemaValue]:
    """Each kind's schema by its `repr`, and what they share."""
    wanted = [(repr(kind), "validation", TypeAdapter(kind)) for kind in _kinds()]
    made, shared = TypeAdapter.json_schemas(
        wanted,  # type: ignore[arg-type]  # "validation" is one of its modes
        ref_template="#/components/schemas/{model}",
        schema_generator=RemarkSchema,
    )
    return {name: schema for (name, _), schema in made.items()}, shared["$defs"]


def _paths(schemas: Mapping[str, JsonSchemaValue]) -> Document:
    found: Document = {}
    for each in OPERATIONS:
        found.setdefault(each.path, {})[each.method] = _described(each, schemas)
    return found


def _described(each: Operation, schemas: Mapping[str, JsonSchemaValue]) -> Document:
    told: Document = {"operationId": _name(each), "summary": each.summary, "security": [each.security or {}]}
    parameters = [*_in_path(each.path), *_in_query(each.query), *each.also]
    if parameters:
        told["parameters"] = parameters
    if each.body is not None:
        content: Document = {JSON: {"schema": schemas[repr(each.body)]}}
        if each.lines:
            content[LINES] = {"schema": {"type": "string", "description": "A signal a line"}}
        told["requestBody"] = {"required": True, "content": content}
    told["responses"] = {
        str(status): {
            "description": WORDS[status],
            "content": {JSON: {"schema": schemas[repr(kind)]}},
        }
        for status, kind in sorted(each.answers.items())
    }
    return told


def _name(each: Operation) -> str:
    return "-".join([each.method, *(part.strip("{}") for part in each.path.split("/") if part)])


def _in_path(path: str) -> list[Document]:
    if "{id}" not in path:
        return []
    return [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]


def _in_query(query: type[Asked] | None) -> list[Document]:
    if query is None:
        return []
    fields = TypeAdapter(query).json_schema(schema_generator=RemarkSchema)["properties"]
    given = {name: _given(schema) for name, schema in fields.items()}
    given["state"] = {"enum": [*State, "all"], "default": State.OPEN}
    return [{"name": name, "in": "query", "schema": schema} for name, schema in given.items()]


def _given(schema: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of what a query names: what it leaves out is not null."""
    some = [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
    default = {} if schema.get("default") is None else {"default": schema["default"]}
    return {**some[0], **default}
