"""Our own explicit training loop, and the process around it.

Read `loop.py` first; everything else serves it. This package imports no torch before it has to: a trainer takes its
lock and shows its first event within a fraction of a second.
"""
