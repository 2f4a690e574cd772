"""Answers of intake, held against its OpenAPI description: a hook for the tests' clients."""

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from console.reference.openapi import openapi

_DOCUMENT = "urn:intake"


@cache
def _document() -> dict[str, Any]:
    return openapi("0")


@cache
def _registry() -> Registry[Any]:
    resource = Resource.from_contents(_document(), default_specification=DRAFT202012)
    empty: Registry[Any] = Registry()
    known: Registry[Any] = empty.with_resource(_DOCUMENT, resource)
    return known


async def described(answer: httpx.Response) -> None:
    """Raises AssertionError when a described route answers with a status or a shape that is not described.

    What the description does not know, such as a test's own route, is passed over: that it knows all of intake's is
    another test's matter (tests/end_to_end/test_documents.py).
    """
    path, method = template(answer.request.url.path), answer.request.method.lower()
    told = _document()["paths"].get(path, {}).get(method)
    if told is None:
        return
    status = str(answer.status_code)
    assert status in told["responses"], f"{method} {path} does not tell of {status}"
    await answer.aread()
    where = "/".join(
        part.replace("/", "~1") for part in (path, method, "responses", status, "content", "application/json")
    )
    schema = {"$ref": f"{_DOCUMENT}#/paths/{where}/schema"}
    errors = Draft202012Validator(schema, registry=_registry()).iter_errors(answer.json())
    faults = [f"{error.json_path}: {error.validator}" for error in errors]
    assert not faults, f"{method} {path} answers {status} otherwise than it is described: {faults}"


def template(path: str) -> str:
    """The description's path for an address; the address itself where it has none."""
    known = sorted(_document()["paths"], key=lambda each: ("{" in each, -len(each)))
    return next((each for each in known if re.fullmatch(re.sub(r"\{\w+\}", ".+", each), path)), path)


def routes() -> set[tuple[str, str]]:
    """All that is described: method and path."""
    return {(method.upper(), path) for path, methods in _document()["paths"].items() for method in methods}
