"""COCO panoptic files: a JSON file and a PNG of segment ids a photo."""
