"""The way out: from a dispatch to a provider and back, once."""
