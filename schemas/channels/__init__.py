"""Data exchanged with providers, banks and subscribed programs: receipts, bank messages, releases, webhooks.

May import schemas.base, levels, people and casework. Called by streams/channels, the console and simulators.
"""
