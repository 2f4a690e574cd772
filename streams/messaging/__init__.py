"""Kafka: topics and their settings, producer, readers, the Faust app and its transport, writing of dead letters.

May import runtime, and encryption from security. Called by every package that reads or writes a topic.
"""
