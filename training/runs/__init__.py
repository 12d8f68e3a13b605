"""Runs: asked for, started, stopped, resumed, and what is known of them meanwhile and afterwards."""
