"""An example plug-in for selectlab: one strategy, one input and one writer."""
