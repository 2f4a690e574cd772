"""SIP towards the trunk (RFC 3261): one connection, client transactions, registration and outgoing calls.

Messages, session descriptions and digest authentication are aiosipua's; transactions and dialogs are here, since that
library neither repeats an INVITE over UDP nor acknowledges a refusal, and has no TLS.
"""
