"""Sound over RTP (RFC 3550): G.711, keys as events (RFC 4733) or as tones, SRTP by libsrtp, one clock for all calls."""
