"""Decisions of the gateways to the carriers' networks: text messages over SMPP and CMPP, automated calls over SIP.

Messages:
account   what is agreed with each carrier, read from a TOML file; protocols: what CMPP needs beside
segments  how a text is coded and cut; routing: which carrier takes a message
standing  whether a carrier works, by its latest messages; rate: how many a second it may get
delivered_share  which share of messages a carrier is expected to deliver
delivery_receipts  a carrier's receipts in the usual spellings; replies: messages from telephones
outcome   what a carrier's answer means, and a message's result from those of its segments
Calls:
voice*    what a call's ending means, which recordings say a message, whether a mailbox has answered
operator_calls  what a case learns of an operator's call; incoming_calls: calls to the centre
recorded_sound  the encrypted parts of a call's recording
Call records:
call_causes  what the cause codes of networks and exchanges mean; call_rows: a record becomes a call signal
charging_fields  the notation of times, numbers and causes in 3GPP's call records
May import schemas, domain.policy and domain.identity. Called by streams/gateways, streams/intake and `quanzu gateway`.
"""
