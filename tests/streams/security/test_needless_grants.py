"""Which grants of Kafka no component needs: the commands that remove them must never hit what is needed."""

from collections.abc import Iterable

import pytest
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)
from typer.testing import CliRunner

from quanzu import app
from streams.runtime.settings import Settings
from streams.security import acls

TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP
WHOLE, PREFIXED = ACLResourcePatternType.LITERAL, ACLResourcePatternType.PREFIXED
EXTRA = ("User:quanzu-worker", "accounts", ACLOperation.DELETE)


def granted(
    who: str,
    name: str,
    operation: ACLOperation = ACLOperation.READ,
    kind: ResourceType = TOPIC,
    pattern: ACLResourcePatternType = WHOLE,
    host: str = "*",
) -> ACL:
    return ACL(who, host, operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name, pattern))


def needless(*found: ACL, app_id: str = "anti-fraud") -> list[ACL]:
    return list(acls.needless(found, app_id))


def test_what_the_components_need_is_never_needless_also_if_it_is_narrowed_to_a_host() -> None:
    wanted = [acl for each in acls.grants("anti-fraud") for acl in acls.acls(each)]
    assert needless(*wanted) == []
    assert needless(granted("User:quanzu-worker", "anti-fraud", kind=GROUP, host="192.0.2.1")) == []
    extra = granted(*EXTRA, host="192.0.2.1")
    assert needless(*wanted, extra) == [extra]


@pytest.mark.parametrize(
    ("kind", "name", "pattern"),
    [
        (TOPIC, "weather", WHOLE),
        (TOPIC, "weather-", PREFIXED),
        (TOPIC, "case-inputs-of-another", WHOLE),
        (GROUP, "weather", WHOLE),
        (ResourceType.TRANSACTIONAL_ID, "*", WHOLE),
    ],
)
def test_another_applications_grant_to_everybody_stays(
    kind: ResourceType, name: str, pattern: ACLResourcePatternType
) -> None:
    assert needless(granted("User:*", name, kind=kind, pattern=pattern)) == []


@pytest.mark.parametrize(
    ("kind", "name", "pattern"),
    [
        (TOPIC, "case-inputs", WHOLE),
        (TOPIC, "case-", PREFIXED),
        (TOPIC, "*", WHOLE),
        (GROUP, "anti-fraud", WHOLE),
        (GROUP, "anti-fraud-w12", WHOLE),
        (GROUP, "anti", PREFIXED),
        (GROUP, "anti-fraud-w12", PREFIXED),
        (ResourceType.CLUSTER, acls.CLUSTER, WHOLE),
    ],
)
def test_what_everybody_may_do_with_quanzus_topics_and_groups_is_needless(
    kind: ResourceType, name: str, pattern: ACLResourcePatternType
) -> None:
    extra = granted("User:*", name, kind=kind, pattern=pattern)
    assert needless(extra) == [extra]


def test_the_command_checks_and_grants_the_group_of_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def surplus(settings: Settings) -> Iterable[str]:
        checked.append(settings.app_id)
        return []

    monkeypatch.setattr(acls, "surplus_grants", surplus)
    monkeypatch.setenv("QUANZU_APP_ID", "anti-fraud")
    command = ["admin", "access", "kafka"]
    assert CliRunner().invoke(app, [*command, "--check"]).exit_code == 0
    assert CliRunner().invoke(app, [*command, "--check", "--app-id", "other"]).exit_code == 0
    assert checked == ["anti-fraud", "other"]
    script = CliRunner().invoke(app, command).stdout
    assert "--group anti-fraud\n" in script
    assert "--group quanzu" not in script
