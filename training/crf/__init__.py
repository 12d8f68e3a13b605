"""Dense CRF: class probabilities sharpened along the edges of the photo they belong to."""

from training.crf.mean_field import CrfParameters, iterate, refine

__all__ = ["CrfParameters", "iterate", "refine"]
