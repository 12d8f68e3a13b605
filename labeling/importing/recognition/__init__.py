"""The signs by which each format is known: a file a format, `RECOGNISERS` in `labeling.importing.recognise`."""
