"""Security: rights at the servers, encryption of personal data with the vault's keys, and the audit topic.

May import runtime, messaging and state. Called by code that reads or writes personal data or records an act.
"""
