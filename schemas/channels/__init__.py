"""What providers, banks and subscribed programs exchange with Quanzu: receipts, bank messages, releases, webhooks.

Called by streams.channels, the console and the simulators; imports schemas.base, levels, people and casework.
"""
