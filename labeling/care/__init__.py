"""Care for the data: images that would leak from one role into another, and what is wrong with images and labels."""
