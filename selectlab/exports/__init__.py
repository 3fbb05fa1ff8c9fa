"""Ranked samples written in the formats of other tools."""
