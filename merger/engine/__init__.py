"""Recipe and headers to a plan, a plan to tensors: batch to files, or live in memory."""
