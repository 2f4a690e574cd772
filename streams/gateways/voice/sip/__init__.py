"""SIP with the trunk (RFC 3261): one connection, client transactions, registration and calls both ways.

Messages, session descriptions and digest authentication are aiosipua's. Transactions and dialogs are implemented here,
because that library neither repeats an INVITE over UDP nor acknowledges a refusal, and has no TLS.
"""
