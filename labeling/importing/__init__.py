"""From a source, a folder or an archive, to annotations: recognised, previewed, read, decided, stored, reported."""
