"""What needs an evaluation's maps again: boundaries and objects, computed once for each mapping and kept as a file."""
