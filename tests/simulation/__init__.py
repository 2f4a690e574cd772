"""A deterministic simulation of the whole pipeline, and the laws that every schedule must keep."""
