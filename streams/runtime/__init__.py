"""Basics of every process: settings, time, tasks, TLS, logs, metrics, tracing, embedded servers.

Nothing here knows the content of Kafka or Redis. Of this project, may import only schemas and domain. Called by all
packages.
"""
