"""Look, accept, discard: a dataset, its runs and its campaigns in a browser on one's own machine.

:func:`selectlab.studio.serving.serve` starts it; ``selectlab studio DATASET`` does.
"""
