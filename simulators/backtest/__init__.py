"""Evaluates recorded signals under two policies with the live system's functions, without a server."""
