#!/bin/sh
# Signs a release, and checks one: docs/how-to/release.md.
#   release.sh sign FOLDER KEY               writes FOLDER/SHA256SUMS and its signature by an SSH key (a file or an agent's .pub)
#   release.sh verify FOLDER SIGNERS WHO     SIGNERS: lines of "WHO KEY", as ssh-keygen's allowed_signers
# A release is whole if every file is in SHA256SUMS, has that content, and SHA256SUMS is signed by WHO.
set -eu
purpose=quanzu-release
files() { find . -type f ! -name SHA256SUMS ! -name SHA256SUMS.sig | LC_ALL=C sort; }
fail() { echo "$1" >&2; exit 1; }
what=${1:-} folder=${2:-}
[ -d "$folder" ] || fail "use: release.sh sign FOLDER KEY, or release.sh verify FOLDER SIGNERS WHO"
case $what in
  sign)
    key=$(realpath "${3:?the file of the key}")
    cd "$folder"
    [ -n "$(files)" ] || fail "$folder is empty"
    [ -z "$(find . ! -type f ! -type d)" ] || fail "$folder has links: a release is made of files"
    rm -f SHA256SUMS.sig
    files | while read -r file; do sha256sum "$file"; done >SHA256SUMS
    ssh-keygen -q -Y sign -f "$key" -n $purpose SHA256SUMS
    ;;
  verify)
    signers=$(realpath "${3:?the file of allowed signers}") who=${4:?who signed}
    cd "$folder"
    [ -f SHA256SUMS ] && [ -f SHA256SUMS.sig ] || fail "$folder is not signed"
    ssh-keygen -Y verify -f "$signers" -I "$who" -n $purpose -s SHA256SUMS.sig <SHA256SUMS || fail "not signed by $who"
    sha256sum --check --strict --quiet SHA256SUMS || fail "a file is missing or has another content"
    [ -z "$(find . ! -type f ! -type d)" ] || fail "$folder has links: they are in no release"
    [ "$(files)" = "$(sed 's/^[0-9a-f]*  //' SHA256SUMS)" ] || fail "a file is there that is not in SHA256SUMS"
    echo "whole: $(files | wc -l) files"
    ;;
  *) fail "use: release.sh sign FOLDER KEY, or release.sh verify FOLDER SIGNERS WHO" ;;
esac
