"""The centre's own pages: desk, handover, situation, incidents, complaints, alarms, audit, policies."""
