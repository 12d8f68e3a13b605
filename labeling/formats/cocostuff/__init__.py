"""COCO-Stuff: maps of its 171 classes."""
