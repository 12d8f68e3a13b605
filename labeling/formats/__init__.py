"""One codec a file; `labeling.formats.base` is their contract."""
