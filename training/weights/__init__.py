"""Weights made elsewhere: the catalogue, reading files, fitting them to a network."""
