"""Taking a merge to other programs: GGUF for llama.cpp, Ollama and LM Studio, and what stands beside the file."""
