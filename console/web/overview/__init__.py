"""The supervisor's overview of an area, and the names of the audit's acts."""
