#!/bin/sh
# Builds every image of compose.yaml where no registry can be reached: ours by deploy/Dockerfile, those of others as stand-ins
# (Dockerfile, beside this), and writes the lines with their digests into deploy/.env, with TRIAL=1: without it stack.sh starts
# no stand-ins, and this script replaces no digests.
# It needs root, podman, buildah, mmdebstrap, Maven, and pip's index of packages. With a registry, deploy/images.sh prints the
# digests of the official images instead, and deploy/Dockerfile says how ours is built.
# IMAGE: the name of ours. CACHE: where packages and jars are kept between builds. PYTHON: the pip that fetches the packages; its
# version of Python must be that of SUITE.
set -eu
: "${IMAGE:=quanzu:0.1.0}" "${SUITE:=bookworm}" "${PYTHON:=python3.11}"
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${CACHE:=$root/data/images}"
settings=$root/deploy/.env
if grep -q '^[A-Z]*_DIGEST=.' "$settings" 2>/dev/null && ! grep -qx 'TRIAL=1' "$settings"; then
  echo "deploy/.env has digests, and no TRIAL=1: they would be replaced by those of stand-ins. For a trial, move it away." >&2
  exit 1
fi
mkdir -p "$CACHE/wheels" "$CACHE/context"
image() { sed -nE "s/^ *(image:|FROM) ([^@ ]*$1[^@ ]*)@.*/\2/p" "$root/deploy/compose.yaml" "$root/deploy/Dockerfile" | sort -u; }
build() { buildah bud --isolation chroot --format oci --timestamp 1735689600 --layers "$@" >&2; }

if ! buildah inspect --type image "localhost/quanzu-debian:$SUITE" >/dev/null 2>&1; then
  if [ ! -e "$CACHE/$SUITE.tar" ]; then # SOURCES: a file of apt's sources, where the usual ones are not those of this machine
    mmdebstrap --variant=minbase --include=ca-certificates "$SUITE" "$CACHE/new.tar" ${SOURCES:-} >&2
    mv "$CACHE/new.tar" "$CACHE/$SUITE.tar"
  fi
  podman import --quiet "$CACHE/$SUITE.tar" "localhost/quanzu-debian:$SUITE" >&2
fi
if [ ! -d "$CACHE/context/jars" ]; then
  rm -rf "$CACHE/jars.new"
  mvn --quiet --file "$root/tests/tools/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$CACHE/jars.new" >&2
  mv "$CACHE/jars.new" "$CACHE/context/jars"
fi
rm -rf "$CACHE/context/kafka"
cp -r "$here/kafka" "$CACHE/context"
for name in python kafka redis prometheus alertmanager; do
  tag=docker.io/$(image "$name" | sed -E 's|^([^/]+)$|library/\1|')
  build --file "$here/Dockerfile" --target "$name" --tag "$tag" "$CACHE/context"
done

# Each package has the hash that the lock names, wherever it was fetched: the build installs them from the folder alone.
# `download` keeps what is there.
for lock in requirements build; do
  "$PYTHON" -m pip download --quiet --no-deps --require-hashes --only-binary :all: --requirement "$root/deploy/$lock.lock" \
    --dest "$CACHE/wheels" >&2
done
lines=$(DIGEST_OF="$here/digest.sh" "$root/deploy/images.sh")
build --file "$root/deploy/Dockerfile" --build-arg "$(echo "$lines" | grep PYTHON_DIGEST)" \
  --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=/wheelhouse --volume "$CACHE/wheels:/wheelhouse:ro" \
  --tag "localhost/$IMAGE" "$root"
umask 077
touch "$settings"
sed -i '/^[A-Z]*_DIGEST=/d; /^TRIAL=/d' "$settings"
[ -z "$(tail -c 1 "$settings")" ] || echo >>"$settings"
printf 'TRIAL=1\n%s\n' "$lines" >>"$settings"
