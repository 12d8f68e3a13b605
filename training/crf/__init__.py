"""Dense CRF: class probabilities sharpened along the edges of the photo they belong to."""
