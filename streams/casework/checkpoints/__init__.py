"""Checkpoints: the state of a partition's store on a topic, so that a rebuild need not fold the whole journal.

Owns the topic checkpoints. A worker writes the checkpoints of the partitions that it owns; recovery reads them. May
import casework's journal and rebuilding, state and messaging; agents and recovery call it.
"""
