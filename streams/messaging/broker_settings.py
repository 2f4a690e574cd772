"""Checks the brokers' settings that can lose or block data. Each fault comes with its correction."""

from collections.abc import Iterator, Mapping

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from streams.messaging.kafka_client import admin as kafka_admin
from streams.messaging.kafka_settings import Rule, of_broker, wrong
from streams.runtime.setting_faults import Wrong
from streams.runtime.settings import Settings

OFFSETS = "__consumer_offsets"


def check(settings: Settings) -> list[Wrong]:
    """Return the faults in the brokers' settings, each with its correction: first the broken rules, then too few copies
    of the topic of committed offsets.

    Empty if there are none, and for the embedded broker, which cannot be asked. If Kafka refuses to show the settings,
    say because this user may not read them, a warning with this problem is in place of the broken rules.

    Blocking: call it in a thread. Raises AccessError if Kafka refuses access, KafkaError or OSError if it is
    unavailable, and ValueError if the CA file is unusable.
    """
    if settings.embedded:
        return []
    copies = min(3, settings.replication)
    with kafka_admin(settings) as admin:
        try:
            broken = _broken(_configured(admin), of_broker(copies, settings.partitions))
        except KafkaError as error:
            if error.retriable:  # a timeout, say: another attempt may see them
                raise
            broken = [_unseen(error)]
        return [*broken, *_places(admin, copies)]


def _broken(found: Mapping[int, Mapping[str, str]], rules: list[Rule]) -> list[Wrong]:
    """Return each broken rule once, with the numbers of all brokers that have the same wrong value."""
    brokers: dict[tuple[str, str], list[int]] = {}
    broken: dict[tuple[str, str], Rule] = {}
    for number, configured in sorted(found.items()):
        for rule, value in wrong(rules, configured):
            brokers.setdefault((rule.name, value), []).append(number)
            broken[rule.name, value] = rule
    return [_told(broken[key], key[1], numbers) for key, numbers in brokers.items()]


def _places(admin: KafkaAdminClient, copies: int) -> Iterator[Wrong]:
    """Yield a fault if the topic of committed offsets has too few copies: it keeps the number it was created with."""
    for topic in admin.describe_topics([OFFSETS]):
        fewest = min((len(part["replica_nodes"]) for part in topic["partitions"]), default=copies)
        if not topic["error_code"] and fewest < copies:
            what = (
                f"topic {OFFSETS} has {fewest} copies, not {copies}: with one broker the places of all groups are lost"
            )
            yield Wrong(what, "Reassign its partitions to more brokers (kafka-reassign-partitions.sh)")


def _configured(admin: KafkaAdminClient) -> dict[int, dict[str, str]]:
    """Return each broker's settings, by broker id."""
    numbers = [broker.get("broker_id", broker.get("node_id")) for broker in admin.describe_cluster()["brokers"]]
    asked = [ConfigResource(ConfigResourceType.BROKER, str(number)) for number in numbers]
    answer = admin.describe_configs(asked, config_filter="all")["broker"]
    return {
        int(number): {name: str(entry["value"]) for name, entry in entries.items()}
        for number, entries in answer.items()
    }


def _told(rule: Rule, value: str, brokers: list[int]) -> Wrong:
    numbers = ", ".join(map(str, brokers))
    what = f"broker{'s' * (len(brokers) > 1)} {numbers}: {rule.name} = {value}, not {rule.must}: {rule.why}"
    return Wrong(
        what,
        f"Write {rule.name}={rule.value} into each broker's properties and restart one after the other",
        rule.warns,
    )


def _unseen(error: KafkaError) -> Wrong:
    do = "Let this user describe the cluster's configuration: `quanzu admin access grant`, or deploy/kafka/acls.sh"
    return Wrong(f"the brokers' settings cannot be seen ({type(error).__name__})", do, warns=True)
