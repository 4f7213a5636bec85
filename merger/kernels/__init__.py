"""The compiled passes over tensors, on a CPU and on a GPU, and what is told of devices."""
