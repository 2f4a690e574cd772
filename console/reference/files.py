"""Collects all generated files of docs/reference; `quanzu admin documents` writes them."""

import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import typer
from fastapi import FastAPI
from typer.cli import get_docs_for_click

from console.reference.asyncapi import asyncapi
from console.reference.codes import codes_page
from console.reference.configuration import configuration_page
from console.reference.json_schema import schemas
from console.reference.openapi import openapi
from console.reference.pages import MADE, policy_page, schemas_page, topics_page
from console.web.kit import described
from console.web.routes import DOORS
from console.web.routes.programs import api

_METHODS = ("get", "post", "put", "delete")


def files(context: typer.Context) -> dict[str, str]:
    """Return the text of each generated file, by its path in docs/reference. `context`: the root command's context."""
    number = version("quanzu")
    described = {"intake.openapi.json": openapi(number), "console.openapi.json": console_openapi()}
    documents = {
        **{f"schemas/{name}.json": schema for name, schema in schemas().items()},
        "asyncapi.json": asyncapi(number),
        **described,
    }
    pages = {
        "codes.md": codes_page(MADE),
        "commands.md": commands_page(context),
        "configuration.md": configuration_page(),
        "http.md": _http_page(described),
        "policy-file.md": policy_page(),
        "schemas.md": schemas_page(),
        "topics.md": topics_page(),
    }
    return {name: json.dumps(made, indent=1, ensure_ascii=False) + "\n" for name, made in documents.items()} | pages


def console_openapi() -> dict[str, Any]:
    """Return the OpenAPI document that the console answers at `GET /api/v1/openapi.json`, made without starting a
    console.
    """
    app = FastAPI()
    for door in DOORS:
        app.include_router(door.router)
    return described.description(app, api.__doc__ or "")


def commands_page(context: typer.Context) -> str:
    """Return the Markdown page of all commands with their arguments and options, made by Typer."""
    title, _, told = get_docs_for_click(obj=context.command, ctx=context, name="quanzu", title="Commands").partition(
        "\n"
    )
    return f"{title}\n{MADE}\n{told.rstrip()}\n"


def _http_page(documents: dict[str, dict[str, Any]]) -> str:
    lines = [
        "# HTTP",
        MADE,
        "",
        "Two servers: intake (`quanzu intake serve`) and the console (`quanzu console serve`), whose API a program",
        "uses with a token. Both are described for machines in OpenAPI 3.1.",
        *_server("Intake", "intake.openapi.json", documents),
        *_server("The console's API", "console.openapi.json", documents),
    ]
    return "\n".join(lines) + "\n"


def _server(title: str, name: str, documents: dict[str, dict[str, Any]]) -> Iterator[str]:
    document = documents[name]
    yield ""
    yield f"## {title}"
    yield f"For machines: [{name}]({name})."
    yield ""
    yield "| | path | what it does | answers |"
    yield "|---|---|---|---|"
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if method in _METHODS:
                words = told.get("description") or told["summary"]
                first = " ".join(words.partition("\n\n")[0].split())
                yield f"| {method.upper()} | `{path}` | {first} | {', '.join(sorted(told['responses']))} |"
