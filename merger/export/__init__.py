"""What a merge is written as beside a model's folder: a LoRA adapter."""
