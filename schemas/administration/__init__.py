"""What an administrator's acts leave: the audit log, exported bundles, policy drafts, vaults, dead letters.

Called by streams, the console and the terminal; imports schemas.base, levels, people and casework.
"""
