"""One file a case; being there is all it takes to be run."""
