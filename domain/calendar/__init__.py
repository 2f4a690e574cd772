"""Shifts and public holidays."""
