"""What happens to them: scams as scripts, ordinary life, and the schedule of both."""
