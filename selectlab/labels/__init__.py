"""Labels that people made, read back from annotation tools."""
