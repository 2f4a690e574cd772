#!/bin/sh
# An authority of one's own, and certificates by it, for an installation that has none: ./certificates.sh FOLDER [NAME...]
# Each NAME becomes NAME.crt, NAME.key and NAME.pem (both), for the host NAME; with none, those of compose.yaml.
# trusted.pem has the machine's authorities and this one, for who speaks to both. What is there stays. Certificates last 397
# days: run it again with the old ones moved away, then restart what has them.
set -eu
folder=$1
shift
umask 077
mkdir -p "$folder"
cd "$folder"
# Each file gets its name once it is whole: what an interrupted run left is made again.
if [ ! -s ca.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Quanzu authority" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout ca.key.new -out ca.pem.new 2>/dev/null
  mv ca.key.new ca.key
  mv ca.pem.new ca.pem
fi
if [ ! -s trusted.pem ]; then
  cat ca.pem $(ls /etc/ssl/certs/ca-certificates.crt 2>/dev/null) >trusted.pem.new
  mv trusted.pem.new trusted.pem
fi
both() {
  cat "$1.key" "$1.crt" >"$1.pem.new"
  mv "$1.pem.new" "$1.pem"
}
for name in ${*:-kafka-1 kafka-2 kafka-3 redis-1 redis-2 redis-3 vault sentinel-1 sentinel-2 sentinel-3 intake console gateway-sms}; do
  # A feed must not get a name that the brokers trust: it would be their super user, or one of the components.
  case $name in
    *[!A-Za-z0-9.-]*) echo "$name: write letters, digits, '.' and '-'" >&2; exit 1 ;;
    kafka-[0-9] | kafka-[0-9][0-9]) ;;
    [Kk][Aa][Ff][Kk][Aa]* | [Aa][Dd][Mm][Ii][Nn] | [Qq][Uu][Aa][Nn][Zz][Uu]*)
      echo "$name: this name is kept for the brokers and the components; name the feed otherwise" >&2; exit 1 ;;
  esac
  if [ -s "$name.crt" ]; then # perhaps of another authority: only both in one file may be missing
    [ -s "$name.pem" ] || [ ! -s "$name.key" ] || both "$name"
    continue
  fi
  [ -s ca.key ] || { echo "$name: $folder has no ca.key to sign its certificate with" >&2; exit 1; }
  case $name in
    [0-9]*.[0-9]*) san=IP:$name ;;
    *) san=DNS:$name,DNS:localhost,IP:127.0.0.1 ;;
  esac
  # The brokers' controllers know one another by this common name (super.users in kafka/broker.properties).
  case $name in kafka-*) common=kafka ;; *) common=$name ;; esac
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$common" \
    -keyout "$name.key" -out "$name.csr" 2>/dev/null
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n' "$san" >"$name.ext"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 397 -extfile "$name.ext" \
    -out "$name.crt.new" 2>/dev/null
  mv "$name.crt.new" "$name.crt"
  both "$name"
  rm "$name.csr" "$name.ext"
done
