"""Losses: one a file, all summed over pixels and divided by a global number of valid pixels."""
