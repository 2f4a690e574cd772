"""Read-only views of a running installation: status page, Prometheus exporter, doctor, overview and report.

May import every package below it. Writes nothing except the result of the audit's verification. Called by commands and
the console.
"""
