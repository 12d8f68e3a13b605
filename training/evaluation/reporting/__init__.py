"""An evaluation as files: plots, tables, and a report in one page."""
