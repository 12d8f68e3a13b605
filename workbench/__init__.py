"""What a person touches: the command line, the demo and, later, the browser."""
