"""GGUF files, llama.cpp's own: the types of their numbers, and what its converter makes of a model and back."""
