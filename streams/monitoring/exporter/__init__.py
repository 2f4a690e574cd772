"""The Prometheus exporter of an installation: metrics that no single worker knows, or that are needed when no worker
runs.

It reads the servers directly. Durable totals are read as they were committed, so they equal the journal's.
"""
