"""Recorded signals judged again by two policies, by the functions of the live line, without a server."""
