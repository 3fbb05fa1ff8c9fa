"""The pages of the site that are made from the code, or taken over from elsewhere."""
