"""Basics of every process: settings, time, tasks, TLS, logs, metrics, tracing, embedded servers.

Nothing here knows the content of Kafka or Redis. May import schemas, domain and nothing else of streams/. Called by
everything.
"""
