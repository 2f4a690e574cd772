"""A province at work: feeds, people who answer, operators, and the truth that the system does not know."""
