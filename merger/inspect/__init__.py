"""What a merge does, in numbers, findings and figures."""
