"""Who is near to whom: exact distances on products, for the loop and for neighbours."""
