"""Built-in inputs and the readers of data formats."""
