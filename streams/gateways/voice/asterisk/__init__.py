"""Automated calls through a centre's Asterisk, over the Asterisk REST Interface (ARI).

`table` is the configuration; `commands` sends the HTTP commands; `events` reads the events; `exchange` keeps the
WebSocket of events and knows the channels under way; `channel` is what is known about one; `calls` carries out one
call; `sounds` offers messages to Asterisk for download. Decisions are in domain/carriers/voice.py and voice_mailbox.py.

Asterisk dials and plays; no sound passes through this process. docs/how-to/voice-gateway-asterisk.md says against which
peer it is tested.
"""
