"""Labelling with labelme, a program of its own: images are handed out to it and taken back as annotation versions."""
