"""The events of the residents: scams as scripts, everyday life, and the schedule of both."""
