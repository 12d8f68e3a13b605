"""From photos to class maps: one look, several looks, windows; a photo while someone waits, a folder."""
