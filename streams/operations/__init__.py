"""Operations on a whole installation: backup, export, erasure, subject access, bundles, policies and holds, draining.

May import every package below it. Called by commands and the console.
"""
