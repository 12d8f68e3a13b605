"""Drawings of networks, made from what is observed while a photo passes through them: `trace`, `boxes`, `svg`."""
