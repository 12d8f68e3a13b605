"""YOLO's text files of outlines."""
