"""Searches for residents who cannot be reached: notices to the officers who search, and the erasure of the places.

May import what streams/channels may. agents/failover.py runs it in every worker.
"""
