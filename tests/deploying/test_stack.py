"""stack.sh, with a podman and a podman-compose that only write down what they were asked, and what would run."""

import base64
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploying.test_files import DEPLOY
from tests.tools.containers.stack import Stack

PODMAN = """#!/bin/sh
echo "podman $*" >>"$STATE/asked"
[ "${BROKEN:-}" != "$1" ] || exit 125
for word in "$@"; do
  before=${last:-} last=$word
  case $word in label=com.docker.compose.service=*) service=${word##*=} ;; esac
done
case "$1 $2" in
  "image exists") grep -qxF "$3" "$STATE/images" ;;
  "image ls") cat "$STATE/stand-ins" ;;
  "volume ls") cat "$STATE/volumes" ;;
  "ps --all") ls "$STATE/containers" | if [ -n "${service:-}" ]; then grep -x "$service" || true; else cat; fi ;;
  "inspect --format") cat "$STATE/containers/$last" ;;
  "healthcheck run") [ -e "$STATE/containers/$3" ] && [ ! -e "$STATE/ill-$3" ] ;;
  "run "*) cat "$STATE/rights" 2>/dev/null || echo "user $before" ;;
  exec*) [ ! -e "$STATE/unready-$2" ] ;;
  "rm "*) rm "$STATE/containers/$last" ;;
  wait*) echo 0 ;;
esac
"""
COMPOSE = """#!/bin/sh
echo "compose $* image=${QUANZU_IMAGE:-}" >>"$STATE/asked"
case "$1" in
  version) echo "${VERSION:-1.6.0}" ;;
  up) for word in "$@"; do case $word in up | --*) ;; *) pwd -P >"$STATE/containers/$word" ;; esac; done ;;
  down) rm -f "$STATE"/containers/[!x]* ;;
esac
"""
QUANZU = """#!/bin/sh
echo "quanzu $*" >>"$STATE/asked"
[ ! -e "$STATE/broken" ] || exit 1
[ "$3" != secrets ] || mkdir -p "$4"
echo "user $3"
"""
PROJECT_DIR = "com.docker.compose.project.working_dir"
DIGEST = "sha256:" + "a" * 64


@dataclass
class Machine:
    """A copy of the scripts in `deploy`, and in `state` what the fakes were asked and hold."""

    deploy: Path
    state: Path
    path: str

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        own = {"STATE": str(self.state), "PATH": self.path, "QUANZU": "quanzu", "PATIENCE": "1", "HOME": "/"}
        command = [str(self.deploy / "stack.sh"), *words]
        return subprocess.run(command, env={**own, **more}, check=False, capture_output=True, text=True)

    @property
    def settings(self) -> Path:
        return self.deploy / ".env"

    def asked(self, *beginnings: str) -> list[str]:
        lines = (self.state / "asked").read_text().splitlines()
        return [line for line in lines if line.startswith(beginnings or "")]

    def containers(self) -> set[str]:
        return {each.name for each in (self.state / "containers").iterdir()}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    deploy, state, programs = (tmp_path / name for name in ("deploy", "state", "bin"))
    for each in (deploy, state, state / "containers", programs):
        each.mkdir()
    for name in ("asked", "volumes", "stand-ins"):
        (state / name).touch()
    (state / "images").write_text("quanzu:0.1.0\nquanzu:0.1.1\n")
    for name in ("stack.sh", "certificates.sh", "compose.yaml"):
        (deploy / name).write_bytes((DEPLOY / name).read_bytes())
        (deploy / name).chmod(0o700)
    fakes = {"podman": PODMAN, "podman-compose": COMPOSE, "quanzu": QUANZU, "chgrp": "#!/bin/sh\n"}
    fakes["id"] = "#!/bin/sh\necho ${USER_ID:-0}\n"
    for name, text in fakes.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o700)
    (deploy / ".env").write_text(f"KAFKA_DIGEST={DIGEST}\nQUANZU_API_KEYS=bank:key\n")
    return Machine(deploy, state, f"{programs}:{os.environ['PATH']}")


def started(machine: Machine) -> None:
    """It is up, as from the script itself."""
    told = machine.run("up")
    assert told.returncode == 0, told.stderr
    (machine.state / "asked").write_text("")


@pytest.mark.parametrize("words", [("up",), ("roll", "quanzu:0.1.1"), ("down",), ("down", "--volumes")])
def test_the_installation_of_another_folder_is_not_touched(machine: Machine, words: tuple[str, ...]) -> None:
    (machine.state / "containers" / "vault").write_text("/srv/quanzu/deploy\n")
    told = machine.run(*words)
    assert told.returncode == 1
    assert "/srv/quanzu/deploy" in told.stderr
    assert not machine.asked("compose up", "compose down", "podman stop", "podman rm")
    assert "label" not in told.stderr
    assert any(PROJECT_DIR in line for line in machine.asked("podman inspect"))


def test_volumes_that_no_container_says_the_folder_of_are_kept(machine: Machine) -> None:
    (machine.state / "volumes").write_text("quanzu_vault\n")
    told = machine.run("down", "--volumes")
    assert (told.returncode, machine.asked("compose down")) == (1, [])
    assert "podman volume rm" in told.stderr
    started(machine)
    assert machine.run("down", "--volumes").returncode == 0
    assert next(iter(machine.asked("compose down"))).startswith("compose down --remove-orphans --volumes")


@pytest.mark.parametrize("broken", ["ps", "inspect", "volume"])
def test_where_podman_cannot_tell_whose_the_data_is_nothing_is_removed(machine: Machine, broken: str) -> None:
    started(machine)
    told = machine.run("down", "--volumes", BROKEN=broken)
    assert told.returncode != 0
    assert not machine.asked("compose down")


@pytest.mark.parametrize("left", ["containers", "volumes"])
def test_the_trial_refuses_a_machine_with_an_installation(
    machine: Machine, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if left == "containers":
        (machine.state / "containers" / "vault").write_text("/srv/quanzu/deploy\n")
    else:
        (machine.state / "volumes").write_text("quanzu_vault\n")
    monkeypatch.setenv("PATH", machine.path)
    monkeypatch.setenv("STATE", str(machine.state))
    stack = Stack(machine.deploy.parent / "trial", "quanzu:0.1.0")
    stack.folder.mkdir()
    with pytest.raises(RuntimeError, match="this machine has an installation"):
        stack.prepare()
    assert not stack.deploy.exists()


def rolled(machine: Machine) -> list[str]:
    return [line.split()[-2] for line in machine.asked("compose up") if line.endswith("image=quanzu:0.1.1")]


def test_a_roll_replaces_each_service_and_then_names_the_image_in_the_settings(machine: Machine) -> None:
    started(machine)
    told = machine.run("roll", "quanzu:0.1.1")
    assert (told.returncode, told.stderr) == (0, "")
    assert rolled(machine) == ["grants", "topics", "worker-1", "worker-2", "console", "intake", "exporter"]
    assert machine.settings.read_text().splitlines()[-1] == "QUANZU_IMAGE=quanzu:0.1.1"


def test_an_image_that_is_not_there_changes_nothing(machine: Machine) -> None:
    started(machine)
    before = machine.settings.read_text()
    told = machine.run("roll", "quanzu:9")
    assert told.returncode == 1
    assert "quanzu:9" in told.stderr
    assert (machine.settings.read_text(), machine.asked("podman stop", "podman rm", "compose up")) == (before, [])


@pytest.mark.parametrize("state", ["ill", "unready"])
def test_a_roll_stops_at_a_worker_that_does_not_work_and_may_be_repeated(machine: Machine, state: str) -> None:
    started(machine)
    mark = machine.state / f"{state}-worker-1"
    mark.touch()
    assert machine.run("roll", "quanzu:0.1.1").returncode == 1
    assert rolled(machine) == ["grants", "topics", "worker-1"], "worker-2 still works"
    assert "QUANZU_IMAGE" not in machine.settings.read_text()
    (machine.state / "containers" / "worker-1").unlink()
    mark.unlink()
    assert machine.run("roll", "quanzu:0.1.1").returncode == 0
    assert "podman stop --time 60 " not in machine.asked("podman stop")
    assert machine.settings.read_text().endswith("QUANZU_IMAGE=quanzu:0.1.1\n")


def test_up_leaves_what_runs_as_it_is(machine: Machine) -> None:
    started(machine)
    assert machine.run("up").returncode == 0
    asked = machine.asked("compose up")
    assert asked
    assert all("--no-recreate" in line for line in asked)


def test_the_users_of_an_interrupted_run_are_made_again(machine: Machine) -> None:
    (machine.state / "broken").touch()
    secrets = machine.deploy / "secrets"
    secrets.mkdir()
    (secrets / "redis-acl").touch()
    assert machine.run("up").returncode == 1
    assert not (secrets / "vault-acl").exists()
    (machine.state / "broken").unlink()
    started(machine)
    assert [(secrets / f"{name}-acl").read_text() for name in ("redis", "vault")] == ["user redis\n", "user vault\n"]


def test_the_certificates_of_an_interrupted_run_are_made_again_and_those_of_others_stay(tmp_path: Path) -> None:
    def made(*names: str) -> None:
        subprocess.run([str(DEPLOY / "certificates.sh"), str(tmp_path), *names], check=True)

    def whole(name: str) -> bool:
        pair = ((tmp_path / f"{name}.{end}").read_text() for end in ("key", "crt"))
        return (tmp_path / f"{name}.pem").read_text() == "".join(pair)

    (tmp_path / "ca.key").touch()
    made("kafka-1", "kafka-2")
    assert "PRIVATE KEY" in (tmp_path / "ca.key").read_text()
    (tmp_path / "kafka-1.pem").unlink()
    (tmp_path / "kafka-2.crt").write_text("")
    (tmp_path / "intake.crt").write_text("of another authority\n")
    (tmp_path / "intake.key").write_text("key\n")
    made("kafka-1", "kafka-2", "intake")
    assert all(whole(name) for name in ("kafka-1", "kafka-2", "intake"))
    assert "BEGIN CERTIFICATE" in (tmp_path / "kafka-2.crt").read_text()
    assert (tmp_path / "intake.crt").read_text() == "of another authority\n"
    assert not list(tmp_path.glob("*.new"))


def test_the_settings_get_a_cluster_id_that_is_no_option(machine: Machine) -> None:
    started(machine)
    (found,) = re.findall(r"^QUANZU_KAFKA_CLUSTER=(.*)$", machine.settings.read_text(), re.MULTILINE)
    assert re.fullmatch(r"[A-Za-z0-9]{22}", found)
    assert len(base64.b64decode(f"{found}==", validate=True)) == 16


def test_the_authoritys_key_is_roots_alone_and_the_group_reads_the_rest(machine: Machine) -> None:
    started(machine)
    modes = {each.name: each.stat().st_mode & 0o777 for each in (machine.deploy / "certificates").iterdir()}
    assert modes.pop("ca.key") == 0o600
    assert {"ca.pem", "kafka-1.pem"} <= modes.keys()
    assert not {name for name, mode in modes.items() if not mode & 0o040}


STORAGE = """#!/bin/sh
printf '%s\\n' "$@" >"$RUN/words"
cp "${2#@}" "$RUN/kept"
"""


def test_a_broker_is_formatted_with_an_id_that_begins_with_a_hyphen_and_no_password_on_the_command_line(
    tmp_path: Path,
) -> None:
    for name, text in (("kafka-storage.sh", STORAGE), ("kafka-server-start.sh", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o700)
    (tmp_path / "kafka-admin").write_text("word")
    folders = dict.fromkeys(("SECRETS", "DATA", "RUN"), str(tmp_path))
    about = {"NODE": "1", "VOTERS": "1@localhost:9094", "HOST": "localhost", "CLUSTER": "-kU3OEVBNTcwNTJENDM2Qg"}
    template = {"TEMPLATE": str(DEPLOY / "kafka" / "broker.properties"), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["sh", str(DEPLOY / "kafka" / "start.sh")], env={**folders, **about, **template}, check=True)
    assert (tmp_path / "words").read_text().splitlines() == ["format", f"@{tmp_path}/format"]
    assert (tmp_path / "kept").read_text().splitlines() == [
        "--cluster-id=-kU3OEVBNTcwNTJENDM2Qg",
        "--config",
        f"{tmp_path}/broker.properties",
        "--add-scram",
        "SCRAM-SHA-512=[name=admin,password=word]",
    ]
    assert not (tmp_path / "format").exists()


@pytest.mark.parametrize("version", ["1.0.3", "1.4.9", ""])
def test_an_old_podman_compose_is_refused_before_anything_is_made(machine: Machine, version: str) -> None:
    told = machine.run("up", VERSION=version or "unknown")
    assert (told.returncode, machine.asked("quanzu", "compose up", "podman")) == (1, [])
    assert version[:3] in told.stderr
    assert "pip install 'podman-compose>=1.5'" in told.stderr


def test_who_is_not_root_is_told_so(machine: Machine) -> None:
    told = machine.run("up", USER_ID="1000")
    assert (told.returncode, machine.asked()) == (1, [])
    assert "root" in told.stderr


def test_stand_ins_are_started_for_a_trial_alone(machine: Machine) -> None:
    (machine.state / "stand-ins").write_text(f"{DIGEST}\n")
    told = machine.run("up")
    assert (told.returncode, machine.asked("compose up", "quanzu")) == (1, [])
    assert "KAFKA" in told.stderr
    assert told.stderr.index("deploy/images.sh") < told.stderr.index("TRIAL=1")
    with machine.settings.open("a") as settings:
        settings.write("TRIAL=1\n")
    started(machine)


def test_the_digests_of_official_images_are_not_replaced_by_stand_ins(machine: Machine) -> None:
    script = machine.deploy / "images" / "build.sh"
    script.parent.mkdir()
    script.write_bytes((DEPLOY / "images" / "build.sh").read_bytes())
    before = machine.settings.read_text()
    environment = {"PATH": "/usr/bin:/bin", "CACHE": str(machine.state / "cache")}
    told = subprocess.run(["sh", str(script)], env=environment, check=False, capture_output=True, text=True)
    assert told.returncode == 1
    assert "TRIAL=1" in told.stderr
    assert (machine.settings.read_text(), (machine.state / "cache").exists()) == (before, False)
    assert "LABEL quanzu.stand-in=true" in (DEPLOY / "images" / "Dockerfile").read_text()


def test_a_setting_after_a_line_without_an_end_is_a_line_of_its_own(machine: Machine) -> None:
    machine.settings.write_text(machine.settings.read_text().removesuffix("\n"))
    started(machine)
    names = [line.split("=")[0] for line in machine.settings.read_text().splitlines()]
    assert names == ["KAFKA_DIGEST", "QUANZU_API_KEYS", "QUANZU_KAFKA_CLUSTER"]


def test_two_at_once_are_one_after_the_other(machine: Machine) -> None:
    held = ["flock", str(machine.deploy / ".lock"), "sh", "-c", "echo held; read end"]
    with subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        told = machine.run("up")
        assert (told.returncode, machine.asked()) == (1, [])
        assert "another stack.sh" in told.stderr
        other.communicate(b"\n")
    started(machine)


def test_a_folder_with_a_space_in_its_name(machine: Machine) -> None:
    """The commands beside deploy/ are found there."""
    root = machine.deploy.parent / "a folder"
    root.mkdir()
    machine.deploy.rename(root / "deploy")
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\n[ "$1" = "${0%/.venv*}/quanzu.py" ] || exit 3\nshift\nexec quanzu "$@"\n')
    python.chmod(0o700)
    moved = Machine(root / "deploy", machine.state, machine.path)
    told = moved.run("up", QUANZU="")
    assert (told.returncode, told.stderr) == (0, "")
    assert moved.asked("quanzu admin access secrets") == ["quanzu admin access secrets secrets"]


def test_down_removes_the_services_of_a_profile_that_is_gone_and_says_what_is_left(machine: Machine) -> None:
    started(machine)
    assert machine.run("down").returncode == 0
    assert machine.asked("compose down")[0].split()[:3] == ["compose", "down", "--remove-orphans"]
    (machine.state / "containers" / "x-stuck").write_text(f"{machine.deploy.resolve()}\n")
    told = machine.run("down")
    assert told.returncode == 1
    assert "x-stuck" in told.stderr


def test_a_key_of_push_messages_in_the_settings_is_refused(machine: Machine) -> None:
    with machine.settings.open("a") as settings:
        settings.write("QUANZU_PUSH_KEY=abc\n")
    told = machine.run("up")
    assert (told.returncode, machine.asked("compose up")) == (1, [])
    assert "QUANZU_PUSH_KEY_FILE=/run/secrets/push-key" in told.stderr
    assert "abc" not in told.stderr


def test_an_image_with_other_users_at_redis_replaces_nothing_until_redis_has_them(machine: Machine) -> None:
    started(machine)
    (machine.state / "rights").write_text("user more\n")
    told = machine.run("roll", "quanzu:0.1.1")
    assert (told.returncode, machine.asked("compose up", "podman stop")) == (1, [])
    assert "needs other users of: redis vault." in told.stderr
    assert machine.run("roll", "quanzu:0.1.0", USERS="keep").returncode == 0
    for name in ("redis", "vault"):
        new = machine.deploy / "secrets" / f"{name}-acl.new"
        assert (new.read_text(), new.stat().st_mode & 0o777) == ("user more\n", 0o640)
        new.rename(machine.deploy / "secrets" / f"{name}-acl")
    told = machine.run("roll", "quanzu:0.1.1")
    assert (told.returncode, told.stderr) == (0, "")
    assert not list((machine.deploy / "secrets").glob("*.new"))


def test_a_unit_starts_the_containers_after_a_restart_of_the_machine() -> None:
    """podman-restart.service starts only what has the policy `always`, which would also start what was stopped."""
    text = (DEPLOY / "systemd" / "quanzu-stack.service").read_text()
    (started_by,) = re.findall(r"^ExecStart=/bin/sh deploy/(\S+) (\S+)$", text, re.MULTILINE)
    assert started_by == ("stack.sh", "up")
    assert "WantedBy=multi-user.target" in text
    assert {"Type=oneshot", "RemainAfterExit=yes", "After=network-online.target"} <= set(text.splitlines())
