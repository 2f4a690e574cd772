"""Acts on a whole installation: backup, export, erasure, case bundles, policies and holds put in force, draining.

Imports every package below it. Called by commands and the console.
"""
