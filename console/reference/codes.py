"""Documents the codes of facts, reasons and refusals: a JSON Schema, and a page with their sentences."""

import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from domain.wording.catalogue import translate_to
from domain.wording.codes import OPTIONAL
from schemas.codes.any_code import AnyCode
from schemas.codes.base import by_name
from schemas.codes.channels import ChannelCode
from schemas.codes.danger import DangerCode

Schema = dict[str, Any]
_UNIONS = {"code": AnyCode, "channel code": ChannelCode, "danger code": DangerCode}
_HEAD = """# Codes
{made}

What happened to a case and why is a code with parameters: in the journal, on topics, in the API and in webhooks.
It is rendered as a sentence where somebody reads it, in their language. The table has each code's sentence with
its parameters in braces; a parameter in brackets is optional. Amounts are in fen, durations in seconds. For
machines: [code.json](schemas/code.json). The codes are defined in `schemas/codes/`, English and Korean in
`domain/wording/locale/`.

| code | parameters | English | 中文 | 한국어 |
|---|---|---|---|---|
"""


def code_schema() -> Schema:
    """Return the JSON Schema of all codes. A parameter that can be any code refers to the schema's root."""
    made: Schema = msgspec.json.schema(AnyCode, ref_template="#/$defs/{name}")
    whole = made["anyOf"]
    found = _with_root(made.pop("$defs"), whole)
    return {**made, "$defs": found}


def codes_page(made: str) -> str:
    """Return the Markdown page of codes: each with its parameters and its sentence in three languages. `made`: the note
    that the page is generated.
    """
    return _HEAD.format(made=made) + "".join(_row(name, kind) for name, kind in sorted(by_name(AnyCode).items()))


def _row(name: str, kind: type[Any]) -> str:
    hints, optional = get_type_hints(kind), OPTIONAL[kind]
    told = [f"{field}: {_typed(hints[field])}" for field in kind.__struct_fields__]
    parts = (f"[{text}]" if text.partition(":")[0] in optional else text for text in told)
    said = (_plain(text) for text in (translate_to("en")(kind.zh), kind.zh, translate_to("ko")(kind.zh)))
    return f"| `{name}` | {', '.join(parts)} | {' | '.join(said)} |\n"


def _plain(sentence: str) -> str:
    return sentence.replace("%(", "{").replace(")s", "}")


def _typed(hint: Any) -> str:  # noqa: ANN401 - a parameter of any type
    """Return a parameter's type as a word, such as "text" or "list of numbers"."""
    members = get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        kinds = frozenset(each for each in members if each is not type(None))
        named = (name for name, union in _UNIONS.items() if kinds == frozenset(get_args(union)))
        return next(named, None) or " or ".join(sorted(_typed(each) for each in kinds))
    if get_origin(hint) is tuple:
        return f"list of {_typed(members[0])}s"
    return "map of texts" if get_origin(hint) is dict else _WORDS.get(hint.__name__, hint.__name__)


_WORDS: Mapping[str, str] = {"str": "text", "int": "number", "bool": "yes or no", "datetime": "moment"}


def _with_root(schema: Any, whole: list[Schema]) -> Any:  # noqa: ANN401 - JSON
    """Return the schema with each `anyOf` of all codes replaced by a reference to the root."""
    if isinstance(schema, list):
        return [_with_root(each, whole) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("anyOf") == whole:
        return {"$ref": "#"}
    return {name: _with_root(each, whole) for name, each in schema.items()}
