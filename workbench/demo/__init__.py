"""The demo: a painter of labelled campus scenes in two domains, and the whole path walked over them."""
