"""What deploy/ holds is valid by each tool's own schema or linter, in step with the code, and whole."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr
from typer import Typer
from typer.main import get_command

from console.commands.intake import intake
from console.reference.configuration import variables
from streams.channels.settings import ChannelSettings
from streams.messaging import topics
from streams.runtime.settings import Settings, SettingsError
from streams.security.acls import grants, kafka
from streams.security.rights import RIGHTS, Component
from streams.security.secrets import gateway_key, make, names

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
KUBERNETES = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMMANDS = {
    ("worker",),
    ("intake", "serve"),
    ("console", "serve"),
    ("metrics", "serve"),
    ("admin", "topics", "create"),
    ("doctor",),
    ("gateway", "sms", "--config", "/etc/quanzu/gateway.toml"),
}
"""What tests/tools/secure and tests/tools/gateway run as processes; `admin access grant` with its folder beside."""
KEDA = "keda.sh"  # its kinds are in no schema of Kubernetes'


def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(each) for each in command], check=False, capture_output=True, text=True)


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def documents() -> list[dict[str, Any]]:
    return [each for path in KUBERNETES for each in yaml.safe_load_all(path.read_text())]


def pods() -> list[dict[str, Any]]:
    return [each["spec"]["template"]["spec"] for each in documents() if "template" in each.get("spec", {})]


def test_compose_is_valid_by_its_specification() -> None:
    told = ran(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")
    assert told.returncode == 0, told.stdout


def test_every_service_is_pinned_limited_read_only_unprivileged_and_looked_after() -> None:
    for name, service in compose()["services"].items():
        assert re.search(r":v?\d+\.\d+\.\d+", service["image"]), name
        assert service["read_only"] is True, name
        assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"]), name
        assert {"cpus", "memory", "pids"} <= service["deploy"]["resources"]["limits"].keys(), name
        once = service["restart"] == "no"
        assert once or "healthcheck" in service, name


def test_every_secret_is_a_file_that_a_service_is_given_and_no_other() -> None:
    found = compose()
    given = {
        each if isinstance(each, str) else each["source"]
        for service in found["services"].values()
        for each in service.get("secrets", ())
    }
    assert given == set(found["secrets"])
    own = {name for name in given if (name, Path(found["secrets"][name]["file"]).parent.name) == (name, "secrets")}
    elsewhere = {gateway_key("voice")}  # its unit has that one
    assert own == {*names(), "redis-acl", "vault-acl", "carrier-main", "taxii-key", "push-key"} - elsewhere


def test_each_component_has_its_own_users_secrets_alone() -> None:
    for name, service in compose()["services"].items():
        sources = {each["source"] for each in service.get("secrets", ()) if isinstance(each, dict)}
        user = service.get("environment", {}).get("QUANZU_KAFKA_USER", "").removeprefix("quanzu-")
        if user in set(Component):
            assert {each for each in sources if each.startswith(("kafka-", "redis-"))} == {
                f"kafka-{user}",
                f"redis-{user}",
            }, name


def test_the_keys_of_signatures_are_with_those_who_sign_and_those_who_check() -> None:
    key = "receipts-secret"
    held = {name for name, each in compose()["services"].items() if key in each.get("secrets", ())}
    assert held == {"worker-1", "worker-2", "intake", "doctor", "topics"}
    for name in ("console", "exporter"):
        assert compose()["services"][name]["environment"]["QUANZU_RECEIPTS_SECRET_FILE"] == ""
        pod = (DEPLOY / "kubernetes" / f"{name}.yaml").read_text("utf-8")
        assert key not in pod
        assert 'QUANZU_RECEIPTS_SECRET_FILE, value: ""' in pod
        unit = (DEPLOY / "systemd" / f"quanzu-{name}.service").read_text("utf-8")
        assert "receipts" not in unit.lower()


def test_all_who_read_the_keys_of_signatures_know_the_other_provinces() -> None:
    with pytest.raises(SettingsError, match="province/CODE of QUANZU_PROVINCES"):
        with_province_key("").receipt_keys(Settings())
    assert "province/liaoning" in with_province_key("liaoning=https://intake.liaoning.example").receipt_keys(Settings())
    services = compose()["services"].values()
    readers = [each["environment"] for each in services if "receipts-secret" in each.get("secrets", ())]
    assert readers
    assert all(each["QUANZU_PROVINCES"] == "${QUANZU_PROVINCES:-}" for each in readers)
    holders = [pod for pod in pods() if "receipts-secret" in yaml.safe_dump(pod["volumes"])]
    assert len(holders) == 3
    for pod in holders:
        assert {"configMapRef": {"name": "quanzu"}} in pod["containers"][0]["envFrom"]
    assert "QUANZU_PROVINCES" in shared_by_all_pods()


def test_intake_can_be_told_with_whom_suspects_are_shared() -> None:
    given = compose()["services"]["intake"]["environment"]
    for name in ("QUANZU_SHARING", "QUANZU_SHARING_NAME"):
        assert given[name] == f"${{{name}:-}}"
        assert name in shared_by_all_pods()


def with_province_key(provinces: str) -> ChannelSettings:
    """Channels with a key of each signer, and one of the province `liaoning`, whether it is known or not."""
    signers = dict.fromkeys([*ChannelSettings(provinces=provinces).signers(), "province/liaoning"])
    secret = ",".join(f"{name}:{f'of {name}':x<32}" for name in signers)
    return ChannelSettings(provinces=provinces, receipts_secret=SecretStr(secret))


def shared_by_all_pods() -> dict[str, str]:
    """The settings that every pod has from the ConfigMap."""
    (shared,) = [each for each in documents() if each["kind"] == "ConfigMap"]
    found: dict[str, str] = shared["data"]
    return found


def test_the_key_of_the_hashes_is_with_those_who_hash_numbers() -> None:
    held = {name for name, each in compose()["services"].items() if "secret" in each.get("secrets", ())}
    assert held == {"worker-1", "worker-2", "intake", "taxii", "console", "doctor", "topics", "grants"}
    assert compose()["services"]["exporter"]["environment"]["QUANZU_SECRET_FILE"] == ""
    pod = (DEPLOY / "kubernetes" / "exporter.yaml").read_text("utf-8")
    assert "key: secret," not in pod
    assert 'QUANZU_SECRET_FILE, value: ""' in pod
    for unit in (DEPLOY / "systemd").glob("quanzu-*.service"):
        named = "secrets/secret\n" in unit.read_text("utf-8")
        assert named == (unit.stem in {"quanzu-worker@", "quanzu-intake", "quanzu-console"}), unit


def test_the_key_of_push_messages_is_a_file_of_those_who_use_it() -> None:
    services = compose()["services"]
    held = {name for name, each in services.items() if "push-key" in each.get("secrets", ())}
    assert held == {"worker-1", "worker-2", "console"}
    environments = {name: each.get("environment", {}) for name, each in services.items()}
    assert held == {name for name, given in environments.items() if "QUANZU_PUSH_KEY_FILE" in given}
    assert not [name for name, given in environments.items() if "QUANZU_PUSH_KEY" in given]


def test_compose_s_prometheus_watches_what_the_other_one_does_by_the_same_rules(tmp_path: Path) -> None:
    here, there = (yaml.safe_load((DEPLOY / name / "prometheus.yml").read_text()) for name in ("compose", "prometheus"))
    shape = [
        [(job["job_name"], job.get("scrape_interval")) for job in each["scrape_configs"]] for each in (here, there)
    ]
    assert shape[0] == shape[1]
    assert (here["rule_files"], here["global"]) == (there["rule_files"], there["global"])
    asked = {target.split(":")[0] for job in here["scrape_configs"] for target in job["static_configs"][0]["targets"]}
    asked |= {here["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"][0].split(":")[0]}
    assert asked - {"127.0.0.1"} <= compose()["services"].keys()
    (tmp_path / "rules").symlink_to(DEPLOY / "prometheus" / "rules")
    (tmp_path / "prometheus.yml").write_text((DEPLOY / "compose" / "prometheus.yml").read_text())
    told = ran("promtool", "check", "config", tmp_path / "prometheus.yml")
    assert told.returncode == 0, told.stderr


def test_what_is_mounted_of_the_repository_is_there() -> None:
    mounts = [each for service in compose()["services"].values() for each in service.get("volumes", ())]
    sources = {each.split(":")[0] for each in mounts if each.startswith("./")}
    assert sources
    assert not [each for each in sources if not (DEPLOY / each).exists()]


def test_every_variable_that_is_set_is_one_that_is_read() -> None:
    texts = [path.read_text() for path in (DEPLOY / "compose.yaml", *KUBERNETES, *UNITS)]
    written = {name for text in texts for name in re.findall(r"(?<!\{)\b(QUANZU_[A-Z0-9_]+)(?=[:=,])", text)}
    beside = {"QUANZU_IMAGE", "QUANZU_KAFKA_CLUSTER"}  # compose's own
    assert {name.removesuffix("_FILE") for name in written} - beside <= set(variables())


def test_the_commands_of_the_images_are_those_that_are_run_as_processes_in_the_tests() -> None:
    found = compose()["services"]
    polling = found.pop("taxii")  # its options are settings: below
    assert polling["command"][:2] == ["intake", "taxii"]
    ours = [each for each in found.values() if each["image"].startswith("${QUANZU_IMAGE")]
    commands = {tuple(each["command"]) for each in ours}
    commands |= {tuple(pod["containers"][0]["args"]) for pod in pods()}
    assert commands - {("admin", "access", "grant", "/run/secrets/passwords")} == COMMANDS


def test_another_centre_s_suspects_are_polled_by_a_service_that_keeps_its_place_over_restarts(tmp_path: Path) -> None:
    service = compose()["services"]["taxii"]
    given = {"TAXII_ROOT": "https://taxii.example/root/", "TAXII_COLLECTION": "5b0c", "TAXII_SOURCE": "liaoning"}
    words = [
        re.sub(r"\$\{(\w+):-(\w*)\}", lambda found: given.get(found[1], found[2]), each) for each in service["command"]
    ]
    for name in ("taxii-key", "trusted.pem"):
        (tmp_path / name).touch()
        assert name in service["secrets"]
    words = [each.replace("/run/secrets", str(tmp_path)) for each in words[1:]]
    app = Typer()
    app.command()(intake)
    params = get_command(app).make_context("intake", words).params
    assert [params[name] for name in ("what", "given", "collection", "source")] == ["taxii", *given.values()]
    assert params["every"] == timedelta(minutes=10)
    assert service["profiles"] == ["taxii"], "it starts only where another centre is named"
    assert "taxii:/var/lib/quanzu" in service["volumes"]
    assert not [each for each in service["tmpfs"] if each.startswith("/var/lib/quanzu")], "it would hide the volume"
    text = (DEPLOY.parent / "docs" / "how-to" / "sharing-suspects.md").read_text("utf-8")
    assert not [name for name in (*given, "TAXII_EVERY", "secrets/taxii-key") if name not in text]


def test_the_dockerfile_passes_its_linter_and_runs_as_nobody() -> None:
    told = ran(BIN / "hadolint", DEPLOY / "Dockerfile")
    assert told.returncode == 0, told.stdout
    text = (DEPLOY / "Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    copied = {word for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for word in line.split()[:-1]}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == allowed
    assert not [each for each in copied if not (ROOT / each).exists()]


def test_the_images_packages_are_those_of_the_lock() -> None:
    whole = set(re.findall(r"^([\w.-]+==[\w.+!-]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    for name in ("requirements.lock", "build.lock"):
        own = set(re.findall(r"^([\w.-]+==[\w.+!-]+)", (DEPLOY / name).read_text(), re.MULTILINE))
        assert own
        assert own <= whole


def test_kubernetes_takes_every_resource() -> None:
    known = [path for path in KUBERNETES if KEDA not in path.read_text()]
    told = ran(BIN / "kubernetes-validate", "--strict", "--no-warn", *known)
    assert told.returncode == 0, told.stdout
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == [path.name for path in KUBERNETES]


def test_every_pod_is_unprivileged_limited_and_says_whether_it_lives_and_is_ready() -> None:
    for pod in pods():
        (container,) = pod["containers"]
        secure = container["securityContext"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert secure["readOnlyRootFilesystem"] is True
        assert (secure["allowPrivilegeEscalation"], secure["capabilities"]) == (False, {"drop": ["ALL"]})
        assert "memory" in container["resources"]["limits"]
        if pod.get("restartPolicy") != "OnFailure":
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
            if container["name"] != "gateway-sms":  # of which there is one
                assert len(pod["topologySpreadConstraints"]) == 2


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_every_unit(unit: Path, tmp_path: Path) -> None:
    # What it starts is not installed here; a unit of several is looked at as its first.
    text = unit.read_text().replace("/opt/quanzu/bin/quanzu", "/bin/true")
    made = tmp_path / unit.name.replace("@", "@1")
    made.write_text(text)
    told = ran("systemd-analyze", "verify", "--man=no", made)
    assert (told.returncode, told.stderr) == (0, "")


def test_the_configuration_of_the_gateway_s_container_is_valid(tmp_path: Path) -> None:
    """It is read where compose.yaml puts its files, with the secrets and certificates that a new user makes."""
    secrets = tmp_path / "secrets"
    (tmp_path / "data").mkdir()
    subprocess.run([DEPLOY / "certificates.sh", str(secrets), "gateway-sms"], check=True)
    make(secrets)
    (secrets / "carrier-main").write_text("password")
    (secrets / "carrier-main").chmod(0o440)
    text = (DEPLOY / "gateways" / "gateway.toml").read_text("utf-8")
    made = tmp_path / "gateway.toml"
    made.write_text(text.replace("/run/secrets", str(secrets)).replace("/var/lib/quanzu-gateway-sms", str(tmp_path)))
    told = ran(sys.executable, ROOT / "quanzu.py", "gateway", "sms", "--config", made, "--check")
    assert told.returncode == 0, told.stdout + told.stderr
    service = compose()["services"]["gateway-sms"]
    named = {Path(path).name for path in re.findall(r'"/run/secrets/([\w.-]+)"', text)}
    assert named == set(service["secrets"])
    assert "gateway-sms:/var/lib/quanzu-gateway-sms" in service["volumes"]


def test_the_script_of_kafkas_acls_is_the_code_s() -> None:
    assert (DEPLOY / "kafka" / "acls.sh").read_text() == kafka()


def test_nobody_but_the_operator_is_let_do_all() -> None:
    for component, rights in RIGHTS.items():
        if component is not Component.OPERATOR:
            assert set(rights.writes) < set(topics.ALL), component
            assert not rights.creates, component
    operations = {each.component: {one.name for one in each.operations} for each in grants()}
    assert "ALL" not in {name for named in operations.values() for name in named}
    assert not [rule for rule in RIGHTS[Component.INTAKE].keys if rule == "~*"]


@pytest.mark.parametrize("name", ["kafka", "Kafka", "kafka-x", "kafka-1-x", "admin", "quanzu-worker", "x/CN=kafka"])
def test_no_certificate_is_made_in_a_name_that_the_brokers_trust(name: str, tmp_path: Path) -> None:
    command = [str(DEPLOY / "certificates.sh"), str(tmp_path), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert name in done.stderr
    assert not list(tmp_path.glob("*.crt"))
