"""Kafka: topics and their settings, producer, readers, the Faust app and its transport, dead letters.

Imports runtime. Called by every package that reads or writes a topic.
"""
