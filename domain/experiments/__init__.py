"""Randomised experiments: who gets which arm, what the outcomes show, and when an experiment must end.

Compares only options that are acceptable in themselves. Pure functions; the registered plans are a part of the policy
(domain/policy/experiments). Used by casework, the evaluation in streams, the console and the studies.
"""
