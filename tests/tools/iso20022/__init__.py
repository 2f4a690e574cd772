"""Prowide's library of ISO 20022, to check our messages by a third party's."""
