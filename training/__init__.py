"""From class maps to a tested model: architectures, recipes, engine, metrics, evaluation, inference, export."""
