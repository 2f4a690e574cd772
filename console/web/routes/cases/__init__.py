"""The queue, a case and the acts on it, claims, calls, holds."""
