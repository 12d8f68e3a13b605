"""A model tested on a dataset: counted, stored, read back under a mapping, compared."""
