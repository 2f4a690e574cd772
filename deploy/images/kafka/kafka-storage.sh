#!/bin/sh
# As Kafka's own command of this name: KAFKA_HEAP_OPTS is the JVM's memory.
exec java ${KAFKA_HEAP_OPTS:--Xmx256m} -cp '/opt/kafka/libs/*' kafka.tools.StorageTool "$@"
