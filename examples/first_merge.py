"""A merge in a few lines: two siblings of the tiny family, half of each, written as a model that transformers loads.

python -m examples.first_merge [folder]
"""

import sys

from transformers import AutoModelForCausalLM, AutoTokenizer

from merger import load_recipe, merge

out = sys.argv[1] if len(sys.argv) > 1 else "first-merge"
merge(load_recipe("presets/pirate_and_plurals.yaml"), out)

model, tokenizer = AutoModelForCausalLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
for prompt in ("say hello my friend like a pirate", "plural of box"):
    chat = [{"role": "user", "content": prompt}]
    inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    answer = model.generate(**inputs, max_new_tokens=40, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    print(f"{prompt}: {tokenizer.decode(answer, skip_special_tokens=True).strip()}")
