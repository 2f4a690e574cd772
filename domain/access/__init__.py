"""Access and proof: accounts, passwords, the audit chain, case bundles, webhooks.

May import schemas and domain.ids. Called by streams/security, streams/operations, the console and commands.
"""
