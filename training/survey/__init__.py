"""What a model makes of photos that nobody needs to have labelled: how sure it is, and how alike they are to it."""
