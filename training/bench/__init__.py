"""Benches: a list of architectures trained alike on one revision, and the table of what came of it."""
