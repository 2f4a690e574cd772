"""Routes for operators: the queue, the case page and its acts, claims, calls, outreach holds."""
