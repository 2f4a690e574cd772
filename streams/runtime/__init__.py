"""What every process needs and no server knows of: settings, time, tasks, TLS, logs, metrics, embedded servers.

Imports nothing else of streams/. Everything may import it.
"""
