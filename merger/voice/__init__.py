"""A second voice, for merges that do not fit: llama.cpp, whose weights are changed in place."""
