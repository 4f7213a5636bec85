"""Questions, scores, and recipes that are tried one after the other."""
