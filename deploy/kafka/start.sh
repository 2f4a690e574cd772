#!/bin/sh
# Starts a broker of compose.yaml: NODE, VOTERS, HOST and CLUSTER are its own. The super user, admin, is made as the folder is
# formatted, with the password of SECRETS/kafka-admin; SECRETS/kafka.pem is the broker's key and certificate.
set -eu
: "${SECRETS:=/run/secrets}" "${DATA:=/var/lib/kafka/data}" "${RUN:=/tmp}" "${PORT:=9093}" "${CONTROL:=9094}"
: "${COPIES:=3}" "${IN_SYNC:=2}" "${TEMPLATE:=/etc/kafka/broker.properties}"
PATH=$PATH:/opt/kafka/bin
umask 077
PASSWORD=$(cat "$SECRETS/kafka-admin")
script=
for name in NODE VOTERS HOST PORT CONTROL DATA SECRETS COPIES IN_SYNC PASSWORD; do
  eval "value=\$$name"
  script="${script}s|@$name@|$value|g;"
done
# By a file: what is on a command line is seen by all.
printf '%s' "$script" >"$RUN/fill.sed"
sed -f "$RUN/fill.sed" "$TEMPLATE" >"$RUN/broker.properties"
rm "$RUN/fill.sed"
if [ ! -e "$DATA/meta.properties" ]; then
  # A cluster's id may begin with "-": it is part of one argument. The password is in a file, as above, one argument a line.
  printf '%s\n' "--cluster-id=$CLUSTER" --config "$RUN/broker.properties" \
    --add-scram "SCRAM-SHA-512=[name=admin,password=$PASSWORD]" >"$RUN/format"
  # It prints the super user's keys: not into the container's log.
  kafka-storage.sh format "@$RUN/format" >/dev/null
  rm "$RUN/format"
fi
# The root file system is read-only: by themselves Kafka's scripts would write logs into its own folder, and not start.
export LOG_DIR="$RUN/logs" EXTRA_ARGS="-name kafkaServer"
export KAFKA_LOG4J_OPTS="-Dlog4j2.configurationFile=$(dirname "$TEMPLATE")/log4j2.properties"
exec kafka-server-start.sh "$RUN/broker.properties"
