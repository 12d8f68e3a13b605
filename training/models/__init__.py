"""Models: found, loaded, imported, and taken away."""
