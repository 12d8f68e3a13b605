"""Pascal VOC folders."""
