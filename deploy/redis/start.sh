#!/bin/sh
# Starts a Redis of compose.yaml, over TLS only; with ROLE=sentinel one of its Sentinels, with ROLE=vault the vault. HOST: its own
# name. SECRETS: redis.crt and redis.key, ca.pem, and what `quanzu admin access` made: redis-acl, redis-replica, redis-sentinel,
# sentinels; of the vault vault-acl alone.
set -eu
: "${SECRETS:=/run/secrets}" "${DATA:=/data}" "${RUN:=/tmp}" "${ROLE:=server}" "${FIRST:=redis-1}" "${QUORUM:=2}"
: "${PORT:=6379}" "${FIRST_PORT:=6379}" "${SENTINELS:=sentinel-1:26379 sentinel-2:26379 sentinel-3:26379}"
umask 077
tls="port 0
tls-port $PORT
tls-cert-file $SECRETS/redis.crt
tls-key-file $SECRETS/redis.key
tls-ca-cert-file $SECRETS/ca.pem
tls-auth-clients no
tls-replication yes
dir $DATA"

if [ "$ROLE" = sentinel ]; then
  # A Sentinel writes what it learns into its file, so that is kept, and made once.
  config=$DATA/sentinel.conf
  if [ ! -e "$config" ]; then
    cat >"$config" <<END
$tls
requirepass $(cat "$SECRETS/sentinels")
sentinel sentinel-pass $(cat "$SECRETS/sentinels")
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $HOST
sentinel announce-port $PORT
sentinel monitor quanzu $FIRST $FIRST_PORT $QUORUM
sentinel auth-user quanzu quanzu-sentinel
sentinel auth-pass quanzu $(cat "$SECRETS/redis-sentinel")
sentinel down-after-milliseconds quanzu 5000
sentinel failover-timeout quanzu 20000
END
  fi
  exec redis-server "$config" --sentinel
fi

if [ "$ROLE" = vault ]; then
  # What is answered is on disk: with a key that is lost all that it sealed is lost.
  cat >"$RUN/redis.conf" <<END
$tls
aclfile $SECRETS/vault-acl
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
END
  exec redis-server "$RUN/redis.conf"
fi

# Whoever the Sentinels name is the primary; at the very first start, when they know nobody, FIRST is.
primary="$FIRST $FIRST_PORT"
for sentinel in $SENTINELS; do
  found=$(REDISCLI_AUTH=$(cat "$SECRETS/sentinels") timeout 2 redis-cli --tls --cacert "$SECRETS/ca.pem" \
    -h "${sentinel%:*}" -p "${sentinel#*:}" sentinel get-master-addr-by-name quanzu 2>/dev/null | tr '\n' ' ' || true)
  case $found in *' '[0-9]*) primary=${found% } && break ;; esac
done
cat >"$RUN/redis.conf" <<END
$tls
aclfile $SECRETS/redis-acl
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
# Evidence and payments are many small sets of members longer than Redis packs by itself: docs/sizing.md.
hash-max-listpack-value 512
zset-max-listpack-value 512
# A primary that is cut off from its replicas takes no more writes: another leads by then, and these would be lost.
min-replicas-to-write 1
min-replicas-max-lag 5
# The payments to one account may be hundreds of thousands: when they expire, they are freed beside the commands.
lazyfree-lazy-expire yes
lazyfree-lazy-server-del yes
replica-announce-ip $HOST
replica-announce-port $PORT
masteruser quanzu-replica
masterauth $(cat "$SECRETS/redis-replica")
END
if [ "$primary" != "$HOST $PORT" ]; then
  echo "replicaof $primary" >>"$RUN/redis.conf"
fi
exec redis-server "$RUN/redis.conf"
