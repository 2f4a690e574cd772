"""A policy's draft as pages show it: its faults, its words, and a preview on recorded evidence."""
