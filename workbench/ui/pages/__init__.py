"""One file a page. Each has `page(services, blocks)`, which fills the blocks it is given."""
