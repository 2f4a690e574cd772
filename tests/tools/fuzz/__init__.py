"""Hostile input: a million of them, and the cases that have a name, against every door of the product."""
