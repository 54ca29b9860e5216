"""Watching ourselves: what does not move, what was not proved for long, and who must hear of it."""
