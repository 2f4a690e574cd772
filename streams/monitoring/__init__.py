"""Read-only views of a running installation: status page, Prometheus exporter, doctor, overview and report.

May import every package below it; changes nothing but its own results. Called by commands and the console.
"""
