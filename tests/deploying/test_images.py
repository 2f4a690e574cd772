"""Images are named by digests, are new enough, and run without rights."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from streams.state.redis_versions import vulnerable
from tests.deploying.test_files import DEPLOY, compose, documents, pods

BY_DIGEST = re.compile(r"[\w./-]+:v?(\d+)\.(\d+)\.(\d+)[\w.-]*@\$\{([A-Z]+_DIGEST):\?[^}]+\}")
OWN = "${QUANZU_IMAGE:-quanzu:"  # built on the machine, or named with its digest in deploy/.env
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
DIGEST = f"sha256:{'a' * 64}"
KAFKA_FIXED = {(4, 2): 2, (4, 3): 2}
"""The first patch without CVE-2026-111115: a client that is not signed in exhausts a broker's memory."""


def others() -> dict[str, str]:
    named = {name: service["image"] for name, service in compose()["services"].items()}
    return {name: image for name, image in named.items() if not image.startswith(OWN)}


def images_sh(tmp_path: Path, answer: str) -> subprocess.CompletedProcess[str]:
    asked = tmp_path / "digest-of"
    asked.write_text(f"#!/bin/sh\n{answer}\n")
    asked.chmod(0o700)
    environment = {"PATH": "/usr/bin:/bin", "DIGEST_OF": str(asked)}
    command = [DEPLOY / "images.sh"]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


def test_no_image_of_others_is_named_by_a_tag_alone() -> None:
    assert len(others()) == 13
    assert not {name: image for name, image in others().items() if not BY_DIGEST.fullmatch(image)}
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases == ["python:3.13.15-slim-bookworm@${PYTHON_DIGEST}"] * 2
    assert re.findall(r"^ARG PYTHON_DIGEST.*$", DOCKERFILE, re.MULTILINE) == ["ARG PYTHON_DIGEST"], "no default"


def test_a_cluster_starts_quanzus_image_by_its_digest_alone() -> None:
    (image,) = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["images"]
    assert image.keys() == {"name", "digest"}
    assert {container["image"] for pod in pods() for container in pod["containers"]} == {image["name"]}


def test_the_script_prints_the_digest_of_every_image_that_needs_one(tmp_path: Path) -> None:
    told = images_sh(tmp_path, f"echo {DIGEST}")
    needed = {found[4] for image in others().values() if (found := BY_DIGEST.fullmatch(image))} | {"PYTHON_DIGEST"}
    assert (told.returncode, told.stderr) == (0, "")
    assert sorted(told.stdout.splitlines()) == sorted(f"{name}={DIGEST}" for name in needed)


@pytest.mark.parametrize("answer", ["echo 7.4.11-bookworm", "exit 1", f"echo {DIGEST[:-1]}"])
def test_the_script_prints_nothing_where_one_digest_is_not_known(tmp_path: Path, answer: str) -> None:
    told = images_sh(tmp_path, f"case $1 in redis:*) {answer} ;; *) echo {DIGEST} ;; esac")
    assert (told.returncode, told.stdout) == (1, "")
    assert "redis:7.4.11-bookworm: " in told.stderr


def test_the_servers_that_are_deployed_have_no_known_vulnerability() -> None:
    versions = {
        name: tuple(map(int, found.groups()[:3]))
        for name, image in others().items()
        if (found := BY_DIGEST.match(image))
    }
    for name, (major, minor, patch) in versions.items():
        if name.startswith(("redis", "sentinel", "vault")):
            assert not list(vulnerable({"redis_version": f"{major}.{minor}.{patch}"})), name
        if name.startswith("kafka"):
            assert patch >= KAFKA_FIXED[major, minor], name


def test_no_container_runs_as_root_or_reaches_into_its_host() -> None:
    forbidden = {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"}
    for name, service in compose()["services"].items():
        assert not {"0", "root", ""} & {service.get("user", "").split(":")[0]}, name
        assert not forbidden & service.keys(), name
        assert "seccomp" not in str(service["security_opt"]), f"{name}: the engine's own profile stays in force"
        mounts = [each.split(":") for each in service.get("volumes", ())]
        assert not [each for each in mounts if each[0].startswith("/") or "docker.sock" in each[0]], name
        assert not [each for each in mounts if each[0].startswith("./") and each[-1] != "ro"], name


def test_no_pod_runs_as_root_or_reaches_into_its_node() -> None:
    assert len(pods()) == 6
    for pod in pods():
        secure = pod["securityContext"]
        assert secure["seccompProfile"] == {"type": "RuntimeDefault"}
        assert secure["runAsUser"] > 0
        assert secure["runAsGroup"] > 0
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()
        assert {kind for volume in pod["volumes"] for kind in volume.keys() - {"name"}} <= {
            "projected",
            "emptyDir",
            "secret",
            "configMap",
        }
        contexts = [each["securityContext"] for each in pod["containers"]]
        assert not [each for each in contexts if "add" in each["capabilities"] or each.get("privileged")]


def test_the_namespace_takes_no_pod_with_more_rights() -> None:
    (space,) = [each for each in documents() if each["kind"] == "Namespace"]
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_without_docker_every_service_is_started_but_the_doctor() -> None:
    text = (DEPLOY / "stack.sh").read_text()
    assert compose()["services"].keys() - set(re.findall(r"[\w-]+", text)) == {"doctor"}


def test_without_a_registry_there_is_a_stand_in_for_every_image_but_grafanas() -> None:
    text = (DEPLOY / "images" / "Dockerfile").read_text()
    made = set(re.findall(r"^FROM debian AS (\w+)$", text, re.MULTILINE))
    (listed,) = re.findall(r"^for name in ([\w ]+); do$", (DEPLOY / "images" / "build.sh").read_text(), re.MULTILINE)
    needed = {image.split(":")[0].split("/")[-1] for image in others().values()} | {"python"}
    assert made == set(listed.split()) == needed - {"grafana"}
