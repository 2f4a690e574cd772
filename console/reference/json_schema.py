"""Makes JSON Schemas (2020-12) of the records on topics and of the policy file, from the models that read them."""

import ast
import inspect
import io
import tokenize
from datetime import timedelta
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from console.reference.catalogue import values
from console.reference.codes import code_schema
from domain.policy import Policy
from domain.policy.units import spelt

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


class RemarkSchema(GenerateJsonSchema):
    """Pydantic's schema generator, which also takes the comment at the end of a field's line as the field's
    description.

    It leaves out titles that repeat a name, and OpenAPI's `discriminator`, which JSON Schema does not know.
    """

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Return pydantic's schema with the fields' comments as descriptions."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for name, words in remarks(model).items():
            if name in made.get("properties", {}):
                made["properties"][name].setdefault("description", words)
        return made

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Schema:
        """Return pydantic's schema without `discriminator`."""
        made = super().tagged_union_schema(schema)
        made.pop("discriminator", None)
        return made

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - whatever a field's default is
        """Return the default as JSON, with sets sorted so that each run gives the same text."""
        made = super().encode_default(dft)
        return sorted(made) if isinstance(dft, frozenset | set) else made

    def field_title_should_be_set(self, schema: object) -> bool:
        """Return False, because a title would only repeat the field's name."""
        return False


class Written(RemarkSchema):
    """A RemarkSchema that writes durations in defaults as a policy file does: "5m"."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - whatever a field's default is
        """Return the default as JSON, with durations written as "5m", also inside sections."""
        match dft:
            case timedelta():
                return spelt(dft)
            case BaseModel():
                return {name: self.encode_default(getattr(dft, name)) for name in type(dft).model_fields}
            case dict():
                return {str(name): self.encode_default(value) for name, value in dft.items()}
            case _:
                return super().encode_default(dft)


@cache
def remarks(model: type[BaseModel]) -> dict[str, str]:
    """Return the comment at the end of each field's line, by field name, inherited fields included; fields without a
    comment are left out.
    """
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= _remarks_in(inspect.getsource(base))
    return found


def _remarks_in(source: str) -> dict[str, str]:
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    (made,) = ast.parse(source).body
    fields = [each for each in ast.walk(made) if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)]
    return {
        field.target.id: comments[field.end_lineno]
        for field in fields
        if isinstance(field.target, ast.Name) and field.end_lineno in comments
    }


def schema_of(name: str, about: str, adapter: TypeAdapter[Any], how: type[GenerateJsonSchema] = RemarkSchema) -> Schema:
    """Return the complete JSON Schema document of the values that `adapter` parses. `name`: its title and id; `about`:
    its description, not empty; `how`: the schema generator.
    """
    made = adapter.json_schema(schema_generator=how, ref_template="#/$defs/{model}")
    described = {"title": name, "description": about[0].upper() + about[1:]}
    return {"$schema": DIALECT, "$id": f"urn:quanzu:{name}", **made, **described}


def policy_schema() -> Schema:
    """Return the JSON Schema of a policy file. The policy's hash is left out, because it is computed and not written in
    the file.
    """
    made = schema_of("policy", "A policy file (TOML): what a province decides for itself", TypeAdapter(Policy), Written)
    for part, name in ((made, "hash"), (made["$defs"]["RiskRules"], "policy"), (made["$defs"]["RiskRules"], "shield")):
        del part["properties"][name]
        part["required"] = [each for each in part["required"] if each != name]
    return made


def schemas() -> dict[str, Schema]:
    """Return JSON Schemas by name: of each kind of record on the topics that is JSON, by the kind's name (see
    `values`); "code", of any code with its parameters; and "policy", of the policy file.
    """
    found = {
        name: schema_of(name, value.about, value.adapter)
        for name, value in values().items()
        if value.adapter is not None
    }
    code = {"$schema": DIALECT, "$id": "urn:quanzu:code", "title": "code", **code_schema()}
    about = {"description": "What happened to a case or why, with its parameters"}
    return found | {"code": code | about, "policy": policy_schema()}
