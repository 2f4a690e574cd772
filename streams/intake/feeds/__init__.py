"""Whether the feeds are heard: what is usual is learnt, and a silence that is not is an alarm."""
