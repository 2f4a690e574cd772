"""The base class of codes, and the pydantic type of fields that contain one."""

import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


def _name(class_name: str) -> str:
    """Return the name on the wire of a code class: `CaseClosed` is `case_closed`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Code(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="code", tag=_name):
    """A code: what happened or why, with its parameters as fields.

    Every code has `zh`, its Chinese sentence, which contains each parameter as %(name)s. `zh` is not declared here, so
    that mypy finds a code without a sentence where codes are rendered.

    A parameter with a default may be omitted when a code is made, and is not serialized while it has its default. The
    sentence names it too: if it is empty (None, "", 0, False, no elements), nothing is written in its place.
    """


FEW = 60  # the greatest number of names that a JSON schema lists


class CodeField:
    """Annotation of a pydantic field that contains a code of a union: makes pydantic parse and serialize it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - any union
        known = by_name(source)
        kinds = frozenset(known.values())

        def read(value: object) -> object:
            if type(value) in kinds:
                return value
            kind = known.get(str(value.get("code"))) if isinstance(value, dict) else None
            if kind is None:
                raise ValueError("not one of the codes that are allowed here")
            return msgspec.convert(value, kind)

        names = {"codes": list(known)}
        written = core_schema.plain_serializer_function_ser_schema(
            msgspec.to_builtins, return_schema=core_schema.any_schema()
        )
        return core_schema.no_info_plain_validator_function(read, metadata=names, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the JSON schema of the field. It lists the codes' names if they are few;
        docs/reference/schemas/code.json has the schema of every code.
        """
        names = schema.get("metadata", {}).get("codes", [])
        return {
            "type": "object",
            "description": "A code with its parameters: see code.json",
            "required": ["code"],
            "properties": {"code": {"enum": names} if len(names) <= FEW else {"type": "string"}},
        }


def by_name(union: Any) -> Mapping[str, type[Any]]:  # noqa: ANN401 - a union is no type
    """Return the classes of the codes in a union (plain, or Annotated with CodeField), keyed by the name of each code
    in JSON, such as "case_closed". Empty if `union` is not a union. Raises AttributeError if a member is not a code
    class.
    """
    members = get_args(union)
    if members and not isinstance(members[0], type):  # Annotated[union, CodeField()]
        members = get_args(members[0])
    return {str(kind.__struct_config__.tag): kind for kind in members}


def code_name(code: Code) -> str:
    """Return a code's name in JSON (its field "code"), such as "case_closed" for CaseClosed."""
    return str(code.__struct_config__.tag)
