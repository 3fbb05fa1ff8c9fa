"""Kinds of problems, one file each."""
