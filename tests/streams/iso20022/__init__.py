"""Tests of ISO 20022 messages."""
