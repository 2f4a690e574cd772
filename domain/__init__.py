"""Decisions: pure functions of data, the time and the policy. Nothing here knows Kafka, Redis or asyncio.

Imports schemas only. Called by streams, the laboratory and the tests alike.
"""
