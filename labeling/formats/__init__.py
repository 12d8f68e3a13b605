"""One room a format, or one file; every codec keeps the contract of `labeling.formats.base`."""
