"""Real servers on free loopback ports: a Kafka cluster, Redis with its append-only file, a pair with Sentinels.

Each is a context: what it started is gone when it ends, and also when this process is killed.
"""
