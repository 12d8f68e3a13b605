"""COCO JSON files."""
