"""The demo: a simulated province on its own servers, worker processes, and a final report."""
