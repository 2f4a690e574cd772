"""The case page: what it shows, what can be done on it, and what it keeps of a case's story."""
