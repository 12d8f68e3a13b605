"""CVAT's own XML."""
