"""Makes the AsyncAPI 3 description of Kafka's topics: keys, messages, retention, writers and readers."""

from typing import Any

from console.reference.catalogue import JSON, PARTS, TRAFFIC, Traffic, Value, values
from streams.messaging.codec import BY_INTAKE, SEALED_BY_GATEWAY, may_be_sealed
from streams.messaging.topics import Topic, configuration
from streams.runtime.settings import Settings

VERSION = "3.0.0"
SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
BINDING = "0.5.0"  # version of AsyncAPI's Kafka bindings
ABOUT = (
    "Topics of an installation. Any program may read them; what another may write are signals, better through intake. "
    "A record's key decides its partition by Kafka's own murmur2; the topics of the family (signals, cases, "
    "dispatches, residents) have the same number of partitions, QUANZU_PARTITIONS. Residents, signals, accounts, calls "
    "and dead letters are personal data."
)

Document = dict[str, Any]


def asyncapi(version: str) -> Document:
    """Return the AsyncAPI document. Its payloads refer to the schemas in the same folder. `version`:
    Quanzu's version.
    """
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Quanzu's topics",
            "version": version,
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON,
        "servers": {
            "kafka": {
                "host": "{brokers}",
                "protocol": "kafka",
                "description": "Apache Kafka 4",
                "variables": {"brokers": {"description": "As QUANZU_KAFKA names them: host:port,host:port"}},
            }
        },
        "channels": {each.topic.name: _channel(each) for each in TRAFFIC},
        "operations": dict(_operation(each, part, action) for each in TRAFFIC for part, action in _who(each)),
        "components": {"messages": {name: _message(value) for name, value in values().items()}},
    }


def kept(topic: Topic) -> str:
    """Return in words how long Kafka keeps a topic's record: "7 days", "for good", "compacted: …"."""
    days = None if topic.kept is None else f"{topic.kept.days} days"
    if topic.compacted:
        return "compacted: the latest of each key" + (f", for {days}" if days else "")
    return days or "for good"


def _seal(topic: Topic) -> str:
    sealed = " With a vault, personal data is encrypted in the field `sealed`." if may_be_sealed(topic.name) else ""
    whole = " With a vault, what intake writes is encrypted as a whole with a public key."
    sound = " The gateway encrypts the sound under the recording's key." if topic.name in SEALED_BY_GATEWAY else ""
    return sealed + (whole if topic.name in BY_INTAKE else "") + sound


def _channel(traffic: Traffic) -> Document:
    topic = traffic.topic
    set_so = configuration(topic, Settings(replication=3))
    numbers = {name: int(value) for name, value in set_so.items() if name.endswith((".ms", ".bytes"))}
    plain = {name: value for name, value in set_so.items() if name not in numbers}
    kafka = {
        "topic": topic.name,
        **({} if topic.family else {"partitions": 1}),
        "replicas": 3,
        "topicConfiguration": {**plain, **numbers, "cleanup.policy": set_so["cleanup.policy"].split(",")},
        "bindingVersion": BINDING,
    }
    return {
        "address": topic.name,
        "description": f"Keyed by {topic.key}; kept {kept(topic).removeprefix('compacted: ')}.{_seal(topic)}",
        "messages": {value.name: {"$ref": f"#/components/messages/{value.name}"} for value in traffic.values},
        "bindings": {"kafka": kafka},
    }


def _message(value: Value) -> Document:
    key = {"type": "string", "pattern": value.key}
    tombstone = " A record of the same key without a value deletes it." if value.dropped else ""
    return {
        "name": value.name,
        "contentType": value.content,
        "summary": value.about[0].upper() + value.about[1:] + "." + tombstone,
        "payload": {"type": "string"} if value.adapter is None else _payload(value.name),
        "bindings": {"kafka": {"key": key, "bindingVersion": BINDING}},
    }


def _payload(name: str) -> Document:
    return {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"./schemas/{name}.json"}}


def _who(traffic: Traffic) -> list[tuple[str, str]]:
    return [*((part, "send") for part in traffic.writes), *((part, "receive") for part in traffic.reads)]


def _operation(traffic: Traffic, part: str, action: str) -> tuple[str, Document]:
    name, verb = traffic.topic.name, {"send": "writes", "receive": "reads"}[action]
    return f"{part}-{verb}-{name}", {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": f"{part} {verb} {name}",
        "description": f"{part}: {PARTS[part]}",
        "tags": [{"name": part}],
    }
