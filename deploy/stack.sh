#!/bin/sh
# The installation of compose.yaml on this machine, by podman-compose, where docker compose's --wait is not to be had:
#   stack.sh up              makes secrets, certificates and settings that are missing, starts all, returns when all is ready
#                            (what runs stays as it is: changed settings of Quanzu's services need a roll)
#   stack.sh roll IMAGE      replaces Quanzu's image, or its settings with the same image, one process at a time, each once the
#                            one before it is ready; if it failed, it may be repeated, with this image or the previous one
#   stack.sh down            stops and removes the containers; the volumes, the secrets and the settings stay
#   stack.sh down --volumes  removes the volumes too: all data of the installation
# It needs root, podman-compose 1.5 or later, and deploy/.env with the digests (images/build.sh, or images.sh).
# USERS=keep: a roll, back to an earlier image, that leaves Redis's users as they are. COMPOSE: the command. QUANZU: the command that makes secrets. PATIENCE: for how many seconds a service may get ready.
set -eu
: "${COMPOSE:=podman-compose}" "${PATIENCE:=300}"
here=$(cd "$(dirname "$0")" && pwd -P)
cd "$here"
# Without systemd nobody looks after the containers' health by a timer: this script asks itself.
[ -d /run/systemd/system ] || export DISABLE_HC_SYSTEMD=true
servers="kafka-1 kafka-2 kafka-3 redis-1 redis-2 redis-3 vault"
sentinels="sentinel-1 sentinel-2 sentinel-3"

fail() { echo "$1" >&2; exit 1; }
quiet() { said=$("$@" 2>&1) || { echo "$said" >&2; fail "$*: it failed"; }; }
containers() { podman ps --all --quiet --filter label=io.podman.compose.project=quanzu "$@"; }
container() { containers --filter "label=com.docker.compose.service=$1"; }
told() { podman logs --tail 40 "$(container "$1")" >&2; fail "$1: $2"; }
with_profile() { case ",$(sed -n 's/^COMPOSE_PROFILES=//p' .env)," in *",$1,"*) return 0 ;; *) return 1 ;; esac; }
run_quanzu() {
  if [ -n "${QUANZU:-}" ]; then $QUANZU "$@"; else "$here/../.venv/bin/python" "$here/../quanzu.py" "$@"; fi
}
# A last line that does not end would swallow the next one.
setting() { grep -q "^$1=" .env || { [ -z "$(tail -c 1 .env)" ] || echo >>.env; echo "$1=$2" >>.env; }; }

# Runs the script again under a lock that no container inherits: two at once would undo each other's steps.
alone() {
  [ -z "${STACK_LOCKED:-}" ] || return 0
  code=0
  STACK_LOCKED=1 flock --nonblock --close --conflict-exit-code 75 .lock "$here/stack.sh" "$@" || code=$?
  [ "$code" != 75 ] || fail "another stack.sh runs in $here: wait until it has ended"
  exit "$code"
}

# Debian's package of podman-compose is older than 1.5: it names the project after the folder, and what is looked for is not found.
able() {
  [ "$(id -u)" = 0 ] || fail "run it as root: the files of secrets get the group of the containers"
  version=$($COMPOSE version --short 2>/dev/null | sed -nE 's/^[^0-9]*([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1)
  [ -n "$version" ] || fail "$COMPOSE: not found, or its version cannot be read; install it: pip install 'podman-compose>=1.5'"
  [ $((${version% *} * 100 + ${version#* })) -ge 105 ] ||
    fail "$COMPOSE is version $(echo "$version" | tr ' ' .), at least 1.5 is needed: pip install 'podman-compose>=1.5'"
}

# Every checkout names its containers and volumes alike: those that were started from another folder are another installation's.
only_ours() {
  all=$(containers) # by itself: where podman cannot tell, nothing goes on
  for each in $all; do
    folder=$(podman inspect --format '{{index .Config.Labels "com.docker.compose.project.working_dir"}}' "$each")
    [ "$folder" = "$here" ] || fail "the containers on this machine were started from $folder, not from $here: use its stack.sh"
  done
}

# A volume does not tell from which folder it was made, its container does.
volumes_ours() {
  all=$(containers)
  kept=$(podman volume ls --quiet --filter label=io.podman.compose.project=quanzu)
  if [ -z "$all" ] && [ -n "$kept" ]; then
    fail "no container tells whose the volumes are: start the installation first (stack.sh up), or remove them by podman volume rm"
  fi
}

# The images of images/build.sh have other versions than the official ones that they stand in for.
real_images() {
  grep -qx 'TRIAL=1' .env && return 0
  stand_ins=$(podman image ls --all --filter label=quanzu.stand-in=true --format '{{.Digest}}')
  for digest in $stand_ins; do
    if grep -q "_DIGEST=$digest\$" .env; then
      fail "deploy/.env names stand-ins ($(sed -n "s/_DIGEST=$digest\$//p" .env | tr '\n' ' ')): for production take the digests of \
deploy/images.sh; for a trial write TRIAL=1 into it"
    fi
  done
}

prepare() {
  grep -q '^KAFKA_DIGEST=' .env 2>/dev/null ||
    fail "deploy/.env has no digests: deploy/images.sh >>deploy/.env, or for a trial without a registry: make images"
  real_images
  grep -q '^QUANZU_API_KEYS=.' .env || fail "deploy/.env has no QUANZU_API_KEYS: 'quanzu admin access key SOURCE' prints one"
  grep -q '^QUANZU_PUSH_KEY=.' .env && fail "deploy/.env has QUANZU_PUSH_KEY: move the key into deploy/secrets/push-key, and write \
QUANZU_PUSH_KEY_FILE=/run/secrets/push-key instead"
  setting QUANZU_KAFKA_CLUSTER "$(openssl rand -base64 16 | tr '+/' pq | cut -c1-22)" # no "-" at its beginning
  umask 077
  run_quanzu admin access secrets secrets >/dev/null
  [ -e secrets/push-key ] || : >secrets/push-key
  ./certificates.sh certificates
  for server in redis vault; do
    if [ ! -s "secrets/$server-acl" ]; then # whole or not at all: with an empty one Redis would let everybody in
      run_quanzu admin access "$server" secrets >"secrets/$server-acl.new"
      mv "secrets/$server-acl.new" "secrets/$server-acl"
    fi
  done
  # The authority's key, if it is kept here, is root's alone: no container needs it.
  if [ -e certificates/ca.key ]; then
    chmod 600 certificates/ca.key
    chgrp 0 certificates/ca.key
  fi
  find secrets certificates ! -name ca.key -exec chgrp 10001 {} + -exec chmod g+rX,o= {} +
}

# A worker is healthy as soon as it answers, and works once it is in the group: until then the other one must not be stopped.
works() {
  podman healthcheck run "$(container "$1")" || return 1
  case $1 in worker-*) podman exec "$(container "$1")" python -m streams.probe http://127.0.0.1:9464/readyz ;; esac
}

# Returns when each of the services works. What ended in between is started again by its policy.
ready() {
  for service in "$@"; do
    until=$(($(date +%s) + PATIENCE))
    until works "$service" >/dev/null 2>&1; do
      [ "$(date +%s)" -lt "$until" ] || told "$service" "not ready after $PATIENCE s"
      sleep 1
    done
  done
}

# What runs stays as it is, even if settings have changed since: all at once would be replaced otherwise. `roll` replaces.
start() { quiet $COMPOSE up --detach --no-deps --no-recreate "$@"; ready "$@"; }

# A service that ends: returns once it has ended well. It does what is missing, so that it may be tried again: brokers that have
# just started on a busy machine may take longer than it waits.
once() {
  quiet $COMPOSE up --detach --no-deps --no-recreate "$1"
  code=$(podman wait "$(container "$1")")
  for again in 1 2; do
    [ "$code" != 0 ] || break
    podman start "$(container "$1")" >/dev/null
    code=$(podman wait "$(container "$1")")
  done
  [ "$code" = 0 ] || told "$1" "it ended with $code"
}

up() {
  prepare
  start $servers
  start $sentinels
  once grants
  once topics
  start worker-1 worker-2
  set -- intake console exporter prometheus alertmanager
  if with_profile sms; then set -- "$@" gateway-sms; fi
  if with_profile taxii; then set -- "$@" taxii; fi
  if with_profile boards; then set -- "$@" grafana; fi
  start "$@"
  echo "intake         https://localhost:8080"
  echo "console        https://localhost:8081"
  echo "Prometheus     http://127.0.0.1:9090"
  echo "Alertmanager   http://127.0.0.1:9093"
  if with_profile sms; then echo "SMS gateway    https://localhost:8090"; fi
  if with_profile boards; then echo "Grafana        http://127.0.0.1:3000"; fi
}

# Stops and removes a service's container, if there is one: a roll that was interrupted goes on where one is missing.
gone() {
  old=$(container "$1")
  [ -n "$old" ] || return 0
  podman stop --time 60 "$old" >/dev/null
  podman rm "$old" >/dev/null
}

# Redis's users by the image's own code, which may need other rights than this checkout's. Redis reads them as it starts: whoever
# looks after the installation decides when, and sees to it that its replicas follow before the next one is restarted.
same_users() {
  [ "${USERS:-}" != keep ] || return 0
  differ=
  for server in redis vault; do
    new=secrets/$server-acl.new
    podman run --rm --network none --read-only --cap-drop all --user 10001:10001 --volume "$here/secrets:/secrets:ro" \
      "$QUANZU_IMAGE" admin access "$server" /secrets >"$new" ||
      fail "$QUANZU_IMAGE prints no users of $server: use the stack.sh of the image's version, which makes all secrets that it needs"
    if cmp -s "$new" "secrets/$server-acl"; then
      rm "$new"
    else
      chgrp 10001 "$new"
      chmod 640 "$new"
      differ="$differ $server"
    fi
  done
  [ -z "$differ" ] || fail "$QUANZU_IMAGE needs other users of:$differ. Nothing was replaced. In $here, for each of them, run
  mv secrets/NAME-acl.new secrets/NAME-acl
then 'podman-compose restart' redis-2, redis-3 and redis-1, or vault, each once the previous one works and is followed again
(docs/deploying.md, "With podman"); then repeat the roll. To go back to an image that worked with the present users: USERS=keep"
}

# The new version's secrets, users and topics first, then one process after the other. The settings name the new image once all
# services have it; until then a container that is missing is made from the previous one.
roll() {
  podman image exists "$1" || fail "$1: this machine has no such image (podman pull, or podman load)"
  export QUANZU_IMAGE="$1"
  prepare
  same_users
  for service in grants topics; do gone $service; once $service; done
  set -- worker-1 worker-2 console intake exporter
  if with_profile sms; then set -- "$@" gateway-sms; fi
  if with_profile taxii; then set -- "$@" taxii; fi
  for service in "$@"; do
    gone "$service"
    start "$service"
    echo "$service"
  done
  sed -i '/^QUANZU_IMAGE=/d' .env
  setting QUANZU_IMAGE "$QUANZU_IMAGE"
}

down() {
  case " $* " in *" --volumes "* | *" -v "*) volumes_ours ;; esac
  quiet $COMPOSE down --remove-orphans "$@" # orphans: of a profile that .env no longer names
  left=$(containers)
  [ -z "$left" ] || fail "these containers are left: $(echo $left)"
}

case ${1:-} in
  up) alone "$@"; able; only_ours; up ;;
  roll) : "${2:?the name of the new image}"; alone "$@"; able; only_ours; roll "$2" ;;
  down) alone "$@"; shift; able; only_ours; down "$@" ;;
  *) fail "use: stack.sh up, stack.sh roll IMAGE, or stack.sh down [--volumes]" ;;
esac
