"""Vectors held by workers, on this machine or on many."""
