"""Decisions of the gateways to the carriers' networks: text messages over SMPP, automated calls over SIP.

Messages:
account   what is agreed with each carrier, read from a TOML file
segments  how a text is coded and cut; routing: which carrier takes a message
standing  whether a carrier works, by its latest messages; rate: how many a second it may get
delivery_receipts  a carrier's receipts in the usual spellings
outcome   what a carrier's answer means, and a message's result from those of its segments
Calls:
voice*    what a call's ending means, which recordings say a message, whether a mailbox has answered
May import schemas and domain.policy. Called by streams/gateways and `quanzu gateway`.
"""
