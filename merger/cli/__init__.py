"""Commands beside the merge."""
