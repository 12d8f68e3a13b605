"""A model and another domain without new labels: photos made to look like home, weights adapted to what is there."""
