"""Exporting: a dataset in a format that other programs read, or its class maps alone."""
