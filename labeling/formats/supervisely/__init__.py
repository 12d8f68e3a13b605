"""Projects in Supervisely's format."""
