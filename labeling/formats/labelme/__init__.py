"""labelme JSON files."""
