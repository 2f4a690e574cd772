"""Decisions: pure functions of data, the time and the policy. Nothing here knows Kafka, Redis or asyncio.

May import schemas only. Called by streams, agents, simulators, the console and tests.
"""
