"""An example plug-in for selectlab: one strategy and one input."""
