"""From photos and class maps to batches: sizes, the pack, draws, augmentation, prefetching."""
