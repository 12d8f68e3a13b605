"""Tasks: long commands as processes of their own."""
