"""Programs of other people at work; each file runs as a script in an environment of its own."""
