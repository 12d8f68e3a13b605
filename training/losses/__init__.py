"""Losses: one a file, each a sum that adds up over the parts of a step, divided by a number of the whole step."""
