"""Things that are kept on compacted topics and read from Redis: residents, rosters, staff, policies, calls, complaints.

Imports runtime, messaging, state and security. Called by screening, casework, channels and the console.
"""
