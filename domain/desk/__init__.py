"""The desk of operators: load, missed calls, the questions they ask, handover, complaints, major incidents."""
