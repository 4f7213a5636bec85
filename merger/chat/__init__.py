"""Models that answer, bound to the tensors of a merge."""
