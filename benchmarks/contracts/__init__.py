"""What strategies promise, written down and recomputed without the library."""
