#!/bin/sh
# Prints the digest of every image that compose.yaml and the Dockerfile name by a tag, as lines for deploy/.env:
#   deploy/images.sh >>deploy/.env
# A tag may be moved to other content; a digest cannot. compose does not start without the digests. It asks the registry
# with crane, or skopeo where there is no crane; DIGEST_OF names another command that prints the digest of NAME:TAG.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
ask() {
  if [ -n "${DIGEST_OF:-}" ]; then $DIGEST_OF "$1"
  elif command -v crane >/dev/null; then crane digest "$1"
  elif command -v skopeo >/dev/null; then skopeo inspect --format '{{.Digest}}' "docker://$1"
  else echo "neither crane nor skopeo is installed: install one, or set DIGEST_OF" >&2; return 1
  fi
}
# Nothing is printed unless all are known. Read are: image: NAME:TAG@${VARIABLE:?...} and FROM NAME:TAG@${VARIABLE}
named=$(sed -nE 's/^ *(image:|FROM) ([^@ ]+)@\$\{([A-Z_]+)[:}].*/\3 \2/p' "$here/compose.yaml" "$here/Dockerfile" | sort -u)
lines=$(echo "$named" | while read -r variable image; do
  digest=$(ask "$image") || { echo "$image: its digest cannot be read" >&2; exit 1; }
  echo "$digest" | grep -qxE 'sha256:[0-9a-f]{64}' || { echo "$image: '$digest' is no digest" >&2; exit 1; }
  echo "$variable=$digest"
done)
echo "$lines"
