"""Dispatches to channels: their ids, whether they are still valid, their messages, and requests with unknown outcomes.

May import schemas, domain.ids, domain.policy and domain.identity. Called by the channels and the console.
"""
