"""Claims and side-by-side speed; the parts that every benchmark needs lie beside this file."""
