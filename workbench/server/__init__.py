"""The browser's server: one FastAPI app behind a guard, with the pages mounted in it.

Only `workbench serve` imports it, and only then: FastAPI and Gradio take seconds to load.
"""
