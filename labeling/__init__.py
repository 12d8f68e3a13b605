"""From files to class maps: annotations, raster rules, codecs, import, export, subsets, roles, revisions."""
