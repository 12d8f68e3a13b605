"""Speed beside that of others, measured in the same run. `python -m benchmarks` runs them all."""
