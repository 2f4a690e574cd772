"""Who may do what at the servers, encryption of personal fields under the vault's keys, and the audit topic.

Imports runtime, messaging and state. Called by whoever reads or writes personal data or records an act.
"""
