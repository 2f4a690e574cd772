"""Decisions about the carriers' networks: what a call's ending means, which recordings say a message, whether a mailbox
has answered.

May import schemas and domain.policy. Called by streams/gateways.
"""
