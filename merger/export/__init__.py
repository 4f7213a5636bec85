"""Taking a merge to other programs: GGUF for llama.cpp, Ollama and LM Studio; LoRA adapters for peft."""
