"""Basics of every process, independent of Kafka's and Redis' content: settings, time, tasks, TLS, logs, metrics,
tracing.

Also starts the embedded servers. May import schemas, domain and nothing else of streams/. Called by everything.
"""
