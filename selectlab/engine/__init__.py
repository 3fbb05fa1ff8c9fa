"""The loop: plans in, rows out. Nothing here knows files, names or what a row is."""
