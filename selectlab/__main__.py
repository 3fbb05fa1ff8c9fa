"""``python -m selectlab`` is the command line."""

from selectlab.cli import main

main()
