"""The documents for other programs: in step with the code, and each what it says it is."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from jsonschema import Draft202012Validator, validators
from openapi_spec_validator import validate
from typer.main import get_command

import quanzu
from console.reference.catalogue import PARTS, TRAFFIC
from console.reference.files import files
from console.reference.pages import MADE
from streams.messaging import topics

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference"
ASYNCAPI = Path(__file__).parent / "asyncapi-3.0.0.json"  # from the npm package @asyncapi/specs, Apache-2.0

# Which part a module belongs to, where the topic is named in it; the longest beginning counts.
MODULES = {
    "agents.board": ("board",),
    "agents.casework": ("casework",),
    "agents.reports": ("outside", "fraud-matching"),
    "agents.dispatch": ("red", "sms", "phone", "visits", "payments", "provinces"),
    "agents.screening": ("screening",),
    "streams.casework.checkpoints": ("checkpoints", "casework"),
    "streams.casework.fraud_matching": ("fraud-matching",),
    "streams.monitoring.after_warning": ("commands",),
    "streams.monitoring.contact_counts": ("commands",),
    "console": ("console",),
    "simulators.backtest": ("commands",),
    "streams.repositories.alarms": ("console", "deadlines"),
    "streams.repositories.shared_suspects": ("intake",),
    "streams.security.audit": ("console", "policies", "feeds", "auditor"),
    "streams.security.audit_log": ("commands",),
    "streams.casework.auditor": ("auditor",),
    "streams.messaging.case_inputs": ("receipts", "screening", "deadlines", "auditor", "console", "policies"),
    "streams.casework.snapshots": ("board",),
    "streams.operations.bundles": ("commands",),
    "streams.repositories.calls": ("console",),
    "streams.repositories.check_list": ("console",),
    "streams.repositories.places": ("console", "commands"),
    "streams.repositories.escalations": ("visits", "console"),
    "streams.repositories.public_reports": ("console",),
    "streams.repositories.evidence_files": ("console",),
    "streams.repositories.subject_files": ("commands",),  # by whose encryption it keeps copies in Redis
    "streams.repositories.call_recordings": ("console", "receipts"),
    "streams.casework.outside_inputs": ("outside",),
    "streams.casework.experiment_watch": ("experiments",),
    "streams.casework.steps": ("casework",),
    "streams.casework.upkeep": ("casework",),
    "streams.casework.recovery": ("casework",),
    "streams.channels.operator_calls": ("receipts",),
    "streams.channels": ("red", "sms", "phone", "visits", "payments", "provinces"),
    "streams.repositories.tables": ("console", "fraud-matching"),
    "streams.messaging.dead_letter_writer": ("intake", "screening", "casework"),
    "streams.state.case_store": ("casework",),
    "streams.state.epoch_log": ("epoch",),
    "streams.operations.export": ("commands",),
    "streams.operations.preservation": ("commands",),
    "streams.intake.feeds": ("feeds",),
    "streams.intake": ("intake",),
    "streams.casework.journal": ("casework", "store"),
    "streams.casework.applied": ("casework",),
    "streams.dead_letters": ("letters",),
    "streams.repositories.payers_requests": ("screening", "console"),
    "streams.repositories.policies": ("policies",),
    "streams.messaging.reader": ("vault",),
    "streams.intake.conformance": ("commands",),
    "streams.monitoring.report": ("commands",),
    "streams.repositories.residents": ("register",),
    "streams.repositories.rosters": ("visits",),
    "streams.repositories.visit_tasks": ("visits",),
    "streams.screening": ("screening",),
    "streams.repositories.staff": ("console",),
    "streams.security.vault_identity": ("vault",),
    "streams.channels.webhooks": ("console",),
    "streams.messaging.partition_count": ("commands",),
}
# These look at how long topics are or how they are kept, or move whole topics; what is in a record they do not know.
LOOKS_ON = {
    *(
        "agents.auditor",
        "agents.deadlines",
        "agents.failover",
        "simulators.lab.screening",
        "streams.operations.backup",
        "streams.state.lag",
    ),
    *(
        "streams.monitoring.doctor",
        "streams.operations.drain",
        "streams.monitoring.status.kafka",
        "streams.monitoring.status.line",
        "streams.monitoring.status.watchers",
    ),
    *(
        "streams.monitoring.exporter.servers",
        "streams.state.shared_state",
        "streams.messaging.retention",
        "streams.messaging.fetch_order",
        "streams.messaging.sources",
        "console.reference.catalogue",
        "streams.operations.subject_access",
        "streams.messaging.codec",
        "streams.security.record_encryption",
        "streams.operations.erasure",
        "streams.operations.erasure_checks",
        "streams.operations.erasure_accounts",
        "streams.operations.erasure_passing",
        "streams.security.acls",
        "streams.security.rights",
    ),
    *(
        "streams.operations.growth.late_inputs",
        "streams.operations.growth.moved_journal",
        "streams.operations.growth.moved_keys",
        "streams.operations.growth.readiness",
        "streams.operations.growth.steps",
    ),
}


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return files(typer.Context(get_command(quanzu.app), info_name="quanzu"))


def _documents(made: dict[str, str]) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in made.items() if name.endswith(".json")}


def test_what_is_kept_is_what_the_code_says_now(made: dict[str, str]) -> None:
    texts = {str(path.relative_to(REFERENCE)): path.read_text("utf-8") for path in REFERENCE.rglob("*.*")}
    kept = {name: text for name, text in texts.items() if name.endswith(".json") or MADE in text}
    stale = {name for name in kept.keys() | made.keys() if kept.get(name) != made.get(name)}
    assert not stale, "write them anew with `quanzu admin documents`, and delete what is no longer made"


def test_every_schema_is_json_schema(made: dict[str, str]) -> None:
    found = {name: each for name, each in _documents(made).items() if name.startswith("schemas/")}
    assert len(found) > 20
    for name, schema in found.items():
        Draft202012Validator.check_schema(schema)
        assert schema["$id"] == f"urn:quanzu:{Path(name).stem}"


@pytest.mark.parametrize("name", ["intake.openapi.json", "console.openapi.json"])
def test_what_goes_over_http_is_described_in_openapi(made: dict[str, str], name: str) -> None:
    validate(json.loads(made[name]))


def test_the_topics_are_described_in_asyncapi(made: dict[str, str]) -> None:
    official = json.loads(ASYNCAPI.read_text("utf-8"))
    check = validators.validator_for(official)(official)
    document = json.loads(made["asyncapi.json"])
    assert [f"{error.json_path}: {error.message[:200]}" for error in check.iter_errors(document)] == []
    document["operations"]["casework-writes-case-events"]["action"] = "writes"
    assert not check.is_valid(document)


def test_every_reference_in_the_asyncapi_document_leads_somewhere(made: dict[str, str]) -> None:
    documents = _documents(made)
    references = set(_references(documents["asyncapi.json"]))
    assert len(references) > len(TRAFFIC)
    for reference in references:
        file, _, pointer = reference.partition("#")
        found = documents[file.removeprefix("./")] if file else documents["asyncapi.json"]
        for part in pointer.split("/")[1:]:
            found = found[part]
        assert found


def test_every_topic_is_in_the_catalogue_with_its_key_and_how_long_it_is_kept(made: dict[str, str]) -> None:
    channels = json.loads(made["asyncapi.json"])["channels"]
    assert [each.topic for each in TRAFFIC] == list(dict.fromkeys(each.topic for each in TRAFFIC))
    assert set(channels) == {topic.name for topic in topics.ALL}
    for topic in topics.ALL:
        told = channels[topic.name]["bindings"]["kafka"]["topicConfiguration"]
        assert topic.key in channels[topic.name]["description"]
        deleted = not topic.compacted or topic.kept is not None
        assert told["cleanup.policy"] == ["compact"] * topic.compacted + ["delete"] * deleted
        assert told["retention.ms"] == (-1 if topic.kept is None else topic.kept.total_seconds() * 1000)


def test_no_module_names_a_topic_that_the_catalogue_does_not_know_it_by() -> None:
    catalogue = {each.topic.name: {*each.writes, *each.reads} for each in TRAFFIC}
    assert {part for parts in catalogue.values() for part in parts} == set(PARTS)
    unknown = [
        f"{module} names {topic}"
        for module, topic in _named()
        if module not in LOOKS_ON and not catalogue[topic] & set(_parts(module))
    ]
    assert not unknown, "say in console/reference/catalogue.py that it writes or reads there"


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def _parts(module: str) -> tuple[str, ...]:
    fitting = [known for known in MODULES if module == known or module.startswith(f"{known}.")]
    assert fitting, f"{module} names a topic: say in MODULES to which part it belongs"
    return MODULES[max(fitting, key=len)]


def _named() -> Iterator[tuple[str, str]]:
    """Each module, and the topics whose constants of streams/messaging/topics.py it names; of a tuple's, each."""
    for folder in ("agents", "streams", "console", "simulators"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if module != "streams.messaging.topics":
                yield from ((module, topic) for topic in _topics_in(ast.parse(path.read_text("utf-8"))))


def _topics_in(tree: ast.Module) -> set[str]:
    froms = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "streams.messaging.topics"
    ]
    imported = {alias.name for node in froms for alias in node.names}
    names = imported | {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "topics"
    }
    found = [getattr(topics, name, None) for name in names if name.isupper()]
    return {
        topic.name
        for each in found
        for topic in (each if isinstance(each, tuple) else (each,))
        if isinstance(topic, topics.Topic)
    }
