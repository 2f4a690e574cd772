"""Read-only views of a running installation: status, Prometheus exporter, doctor, the boards of the console.

Imports every package below it and changes nothing. Called by commands and the console.
"""
