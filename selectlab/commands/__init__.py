"""Commands of the command line, one file each; ``selectlab.cli`` registers them."""
