"""Repositories: typed access to data that is stored on compacted topics and read from Redis.

Owns residents, rosters, staff, policies, alarms, calls, complaints, incidents, releases, hand-overs and drafts. May
import runtime, messaging, state and security. Called by screening, casework, channels and the console.
"""
