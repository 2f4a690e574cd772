"""Security: rights at the servers, encryption of personal data with the vault's keys, the audit topic, and uploaded
pictures, which are encoded anew.

May import runtime, messaging and state. Called by code that reads or writes personal data or records an act.
"""
