"""Makes the Markdown pages of docs/reference: topics, schemas, keys of the policy file."""

from collections.abc import Iterator, Mapping
from typing import Any

from console.reference.asyncapi import kept
from console.reference.catalogue import PARTS, TRAFFIC, Value, values
from console.reference.json_schema import Schema, policy_schema, schemas
from streams.messaging.kafka_settings import TOMBSTONE, Rule, of_broker
from streams.messaging.topics import rules
from streams.runtime.settings import Settings

DEFAULT = Settings(replication=3)
MADE = "<!-- made by `quanzu admin documents`: do not edit -->"


def topics_page() -> str:
    """Return the Markdown page of topics: a table of all topics, their required settings, and the
    parts that use them.
    """
    return "\n".join(
        [
            "# Topics",
            MADE,
            "",
            "For machines: [asyncapi.json](asyncapi.json), AsyncAPI 3. A family's topics have the same number of",
            "partitions (`QUANZU_PARTITIONS`), the others one. `quanzu admin topics check` says what is wrong.",
            "",
            "| topic | family | key | what it carries | kept | written by | read by |",
            "|---|---|---|---|---|---|---|",
            *(
                f"| `{each.topic.name}` | {'yes' if each.topic.family else ''} | {each.topic.key} | "
                f"{', '.join(_linked(value) for value in each.values)} | {kept(each.topic)} | "
                f"{', '.join(each.writes)} | {', '.join(each.reads)} |"
                for each in TRAFFIC
            ),
            "",
            "## Settings",
            "`quanzu admin topics create` sets those of topics. `quanzu admin topics check`, `quanzu doctor` and a",
            "starting worker look at them and at those of the brokers, and say how to fix them. A deletion stays on",
            f"a compacted topic for {TOMBSTONE.days} days: an older Redis (a machine image, a copy of its file)",
            "is brought back within that time or not at all: an empty one is built anew from the topics.",
            "",
            "| setting of a topic | must be | or else |",
            "|---|---|---|",
            *_settings(),
            "",
            "| setting of a broker | must be | or else |",
            "|---|---|---|",
            *(_setting(rule) for rule in of_broker(3, DEFAULT.partitions)),
            "",
            "## Who writes and reads",
            "| part | what it does |",
            "|---|---|",
            *(f"| {name} | {about} |" for name, about in PARTS.items()),
            "",
        ]
    )


def _settings() -> Iterator[str]:
    """Yield a table row for each required setting of topics, each once; one row covers cleanup and retention."""
    seen: set[str] = set()
    for each in TRAFFIC:
        for rule in rules(each.topic, DEFAULT):
            if rule.name not in seen | {"cleanup.policy", "retention.ms"}:
                seen.add(rule.name)
                yield _setting(rule)
    yield "| `cleanup.policy`, `retention.ms` | as the table above says; the policy may say longer | records are lost |"


def _setting(rule: Rule) -> str:
    where = " (compacted topics)" if rule.name == "delete.retention.ms" else ""
    return f"| `{rule.name}`{where} | {rule.must} | {rule.why}{' (told, not refused)' if rule.warns else ''} |"


def schemas_page() -> str:
    """Return the Markdown page that lists all schemas."""
    known = values()
    rows = [f"| [{name}](schemas/{name}.json) | {made['description']} |" for name, made in schemas().items()]
    beside = [f"| {value.name} | {value.about}: {value.content} |" for value in known.values() if value.adapter is None]
    return "\n".join(
        [
            "# Schemas",
            MADE,
            "",
            "JSON Schema (2020-12) of every kind of record, and of the policy file. They say what is read: a field",
            "with a default may be missing, as it is in records from before there was that field; one that nobody",
            "knows is refused. A schema cannot say everything: that a time lies between 2000 and 2099, for example.",
            "",
            "| kind | what it is |",
            "|---|---|",
            *rows,
            *(row for row in beside if not row.startswith("| policy |")),
            "",
        ]
    )


def policy_page() -> str:
    """Return the Markdown page of the policy file's keys, with one table per section."""
    made = policy_schema()
    return "\n".join(
        [
            "# The policy file",
            MADE,
            "",
            "TOML; every key, read off the code. [The JSON Schema](schemas/policy.json) completes and checks them in",
            "an editor: write `#:schema docs/reference/schemas/policy.json` into the first line. What a schema cannot",
            "say, such as that a message fits into its segments, `quanzu policy check` does. Durations are written",
            '"30s", "5m", "24h" or "7d"; money is in fen (¥1 = 100 fen).',
            "",
            *_section("Top level", made, made["$defs"]),
            *(
                line
                for name, part in sorted(made["$defs"].items())
                if "properties" in part or "enum" in part
                for line in _section(name, part, made["$defs"])
            ),
        ]
    )


def _linked(value: Value) -> str:
    return value.name if value.adapter is None else f"[{value.name}](schemas/{value.name}.json)"


def _section(name: str, part: Schema, known: Mapping[str, Schema]) -> Iterator[str]:
    yield f"## {name}"
    yield _cell(part.get("description", ""))
    yield ""
    if "enum" in part:
        yield "One of " + ", ".join(f"`{each}`" for each in part["enum"]) + "."
        yield ""
        return
    yield "| key | value | default | |"
    yield "|---|---|---|---|"
    for key, field in part["properties"].items():
        default = _default(field) if key not in part.get("required", ()) else "required"
        yield f"| `{key}` | {kind_of(field)} | {default} | {_cell(field.get('description', ''))} |"
    yield ""


def kind_of(field: Schema) -> str:
    """Return in a few words of Markdown which values a schema allows: "list of integer ≥ 0", a link, or "anything"."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(kind_of(each) for each in field["anyOf"] if each != {"type": "null"})
    if "enum" in field or "const" in field:
        return ", ".join(f"`{each}`" for each in field.get("enum", [field.get("const")]))
    match field.get("type"):
        case "array":
            parts = field.get("prefixItems") or [field.get("items", {})]
            return "list of " + ", ".join(kind_of(each) for each in parts)
        case "object":
            return f"table of {_values_of(field)}"
        case "string" if "examples" in field:
            return f'like `"{field["examples"][0]}"`'
        case other:
            return f"{other or 'anything'}{_limits(field)}"


def _values_of(field: Schema) -> str:
    patterns: Schema = field.get("patternProperties", {})
    inner: Any = field.get("additionalProperties") or next(iter(patterns.values()), {})
    return kind_of(inner) if isinstance(inner, dict) else "anything"


def _limits(field: Schema) -> str:
    bounds = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
    told = [f"{sign} {field[name]}" for name, sign in bounds if name in field]
    return " " + ", ".join(told) if told else ""


def _default(field: Schema) -> str:
    default: Any = field.get("default")
    return "" if default in (None, [], {}, "") or isinstance(default, dict) else f"`{default}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
