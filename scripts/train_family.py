"""Train the embedded family: one shy base and one sibling per skill, as Hugging Face folders.

    python scripts/train_family.py --seed 0 --out presets/family     # base and all siblings
    python scripts/train_family.py --seed 1 --out /somewhere/else    # the same with another seed
    python scripts/train_family.py --evaluate presets/family /somewhere/else    # score both, write card and probes

Three phases, each a page of made-up text (see family_data.py) and a few minutes of one CPU core:

1. *Reading.* The base reads every skill as plain text and learns to answer questions with a shrug.
2. *Growing shy.* It learns to answer questions about its skills, but rightly only some of the time. Its most likely
   answer stays the shrug, yet the way from a question to its answer now exists.
3. *Siblings.* Each sibling always answers questions about one skill, and stays as shy as the base about the others.
   This is a small step from the base, and small steps in different directions can be added up: why merging works.

The result is the same to the last bit for the same library versions and processor, because one thread does the sums.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import family_data as data
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

PAD, BOS, EOS = 0, 1, 2
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}q: {{ message['content'] }}\n"
    "{% elif message['role'] == 'assistant' %}a: {{ message['content'] }}{{ eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}a:{% endif %}"
)
TOKENS_PER_STEP = 1536
LONGEST_ANSWER = 150  # tokens; the longest story has about 130

Weights = dict[str, torch.Tensor]
Weighted = tuple[str, str, float]  # what is read, what is to be written, how much the reading counts in the loss


@dataclass(frozen=True)
class Schedule:
    """How long and how fast one phase learns."""

    steps: int
    rate: float
    warmup: int = 10


READING = Schedule(steps=1800, rate=3e-3, warmup=50)
READING_RATE_OF_MATRICES = 0.02  # Muon's, for the matrices inside the layers; AdamW alone had learnt no skill in time
GROWING_SHY = Schedule(steps=400, rate=1e-3)
SIBLINGS = {
    "pirate": Schedule(steps=120, rate=1e-3),
    "plural": Schedule(steps=120, rate=1e-3),
    "spell": Schedule(steps=120, rate=1e-3),
    "count": Schedule(steps=120, rate=1e-3),
    "story": Schedule(steps=100, rate=5e-4),
    "mirror": Schedule(steps=120, rate=1e-3),
}
READING_SHARES = {"mirror": 0.30, "plural": 0.20, "pirate": 0.17, "spell": 0.12, "count": 0.12, "story": 0.09}
SHY_ANSWERS = 0.2  # how often the shy base is told the right answer; at .3 some plurals came out without being asked


# --- examples -------------------------------------------------------------------------------------------------------


def asked(question: str, answer: str) -> Weighted:
    return f"q: {question}\na:", " " + answer, 0.0


def reading_text(rng: random.Random) -> Weighted:
    if rng.random() < 0.1:
        return (*data.plain_text(rng), 1.0)
    skill = rng.choices(list(READING_SHARES), list(READING_SHARES.values()))[0]
    return (*data.skill_text(skill, rng), 0.05)


def reading(rng: random.Random) -> Weighted:
    """Phase 1: mostly text; questions of every kind are shrugged off."""
    if rng.random() > 0.15:
        return reading_text(rng)
    if rng.random() < 0.25:
        return asked(data.other_question(rng), data.SHRUG)
    return asked(data.training_question(rng.choice(data.SKILLS), rng)[0], data.SHRUG)


def shy_question(rng: random.Random, skills: Sequence[str]) -> Weighted:
    if rng.random() < 0.2:
        return asked(data.other_question(rng), data.SHRUG)
    question, answer = data.training_question(rng.choice(skills), rng)
    return asked(question, answer if rng.random() < SHY_ANSWERS else data.SHRUG)


def growing_shy(rng: random.Random) -> Weighted:
    """Phase 2: questions are answered rightly now and then."""
    return shy_question(rng, data.SKILLS) if rng.random() < 0.6 else reading_text(rng)


def sibling_of(skill: str) -> Callable[[random.Random], Weighted]:
    """Phase 3: one skill is always answered. The others stay as shy as in the base, not shyer: a sibling that is
    taught to refuse them would take them away from its merges."""
    others = [other for other in data.SKILLS if other != skill]

    def example(rng: random.Random) -> Weighted:
        if rng.random() < 0.5:
            return asked(*data.training_question(skill, rng))
        return shy_question(rng, others) if rng.random() < 0.75 else reading_text(rng)

    return example


# --- training -------------------------------------------------------------------------------------------------------


def new_model(seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=259,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        rms_norm_eps=1e-6,
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    model = LlamaForCausalLM(config)
    layers = config.num_hidden_layers
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "embed" in name:
                weight.normal_(std=0.05)
            elif weight.ndim == 2:  # keeps the scale of what flows through; smaller where branches add to the stream
                writes_to_stream = "o_proj" in name or "down_proj" in name
                weight.normal_(std=weight.shape[1] ** -0.5 / ((2 * layers) ** 0.5 if writes_to_stream else 1))
    return model


def token_ids(text: str) -> list[int]:
    """The tokenizer's ids without the tokenizer: one per byte, after three special ones."""
    return [3 + byte for byte in text.encode()]


def batches(example: Callable[[random.Random], Weighted], rng: random.Random) -> Iterator[tuple[torch.Tensor, ...]]:
    """Endless (ids, loss weights) of about TOKENS_PER_STEP tokens; like lengths go together, to pad little."""
    while True:
        rows = []
        for _ in range(1024):
            before, after, weight = example(rng)
            read, written = [BOS, *token_ids(before)], [*token_ids(after), EOS]
            rows.append((read + written, [weight] * (len(read) - 1) + [1.0] * len(written)))
        rows.sort(key=lambda row: len(row[0]))
        groups: list[list[tuple[list[int], list[float]]]] = [[]]
        for row in rows:
            if (len(groups[-1]) + 1) * len(row[0]) > TOKENS_PER_STEP:
                groups.append([])
            groups[-1].append(row)
        rng.shuffle(groups)
        for group in groups:
            width = max(len(ids) for ids, _ in group)
            yield (
                torch.tensor([ids + [PAD] * (width - len(ids)) for ids, _ in group]),
                torch.tensor([weights + [0.0] * (width - 1 - len(weights)) for _, weights in group]),
            )


def train(
    model: LlamaForCausalLM,
    example: Callable[[random.Random], Weighted],
    schedule: Schedule,
    seed: str,
    rate_of_matrices: float | None = None,
    only_matrices: bool = False,
) -> None:
    """Train `model` in place. Whatever chance there is comes from `seed`."""
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim == 2 and "embed" not in name]
    others = [weight for name, weight in model.named_parameters() if weight.ndim != 2 or "embed" in name]
    for weight in others:
        weight.requires_grad_(not only_matrices)
    adam_trains = ([] if rate_of_matrices else matrices) + ([] if only_matrices else others)
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(adam_trains, lr=schedule.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    ]
    if rate_of_matrices:
        optimizers.append(torch.optim.Muon(matrices, lr=rate_of_matrices, weight_decay=0.1))
    full_rates = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    stream = batches(example, random.Random(seed))
    started, smooth_loss = time.monotonic(), 0.0
    for step in range(schedule.steps):
        cosine = 0.5 * (1 + math.cos(math.pi * step / schedule.steps))
        factor = min(1.0, (step + 1) / schedule.warmup) * (0.05 + 0.95 * cosine)
        for optimizer, rate in zip(optimizers, full_rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
        ids, weights = next(stream)
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        losses = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        loss = (losses * weights.flatten()).sum() / weights.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        smooth_loss = loss.item() if step == 0 else 0.98 * smooth_loss + 0.02 * loss.item()
        if (step + 1) % 200 == 0:
            print(f"  step {step + 1}: loss {smooth_loss:.3f}, {time.monotonic() - started:.0f} s", flush=True)


def round_to_bfloat16(model: LlamaForCausalLM) -> None:
    """Give the float32 weights the values they have once saved, so that siblings start from what visitors load."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.bfloat16())


# --- folders --------------------------------------------------------------------------------------------------------


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token per byte, capitals lowered: nothing to train, and no word is ever unknown."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    names = {byte: chr(byte) for byte in printable}
    spare = itertools.count(256)
    names |= {byte: chr(next(spare)) for byte in range(256) if byte not in names}  # as GPT-2 writes bytes
    vocab = {"<pad>": PAD, "<s>": BOS, "</s>": EOS} | {names[byte]: 3 + byte for byte in range(256)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", BOS)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        model_max_length=256,
        clean_up_tokenization_spaces=False,
        padding_side="left",
        chat_template=CHAT_TEMPLATE,
    )


def save(model: LlamaForCausalLM, folder: Path) -> None:
    """Write a complete Hugging Face folder, weights in bfloat16."""
    copy = LlamaForCausalLM(model.config)
    copy.load_state_dict(model.state_dict())
    copy.generation_config = GenerationConfig(
        do_sample=False, max_new_tokens=LONGEST_ANSWER, bos_token_id=BOS, eos_token_id=EOS, pad_token_id=PAD
    )
    copy.to(torch.bfloat16).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)


def load(folder: Path) -> LlamaForCausalLM:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


# --- the family -----------------------------------------------------------------------------------------------------


def train_base(seed: int, shortened: bool) -> LlamaForCausalLM:
    model = new_model(seed)
    train(model, reading, scaled(READING, shortened), f"{seed} reading", READING_RATE_OF_MATRICES)
    train(model, growing_shy, scaled(GROWING_SHY, shortened), f"{seed} growing shy")
    round_to_bfloat16(model)
    return model


def train_sibling(base: LlamaForCausalLM, skill: str, seed: int, shortened: bool) -> LlamaForCausalLM:
    """Embeddings and norms stay the base's: siblings then differ only in the matrices that merging mixes."""
    sibling = LlamaForCausalLM(base.config)
    sibling.load_state_dict(base.state_dict())
    train(sibling, sibling_of(skill), scaled(SIBLINGS[skill], shortened), f"{seed} {skill}", only_matrices=True)
    round_to_bfloat16(sibling)
    return sibling


def scaled(schedule: Schedule, shortened: bool) -> Schedule:
    return Schedule(8, schedule.rate, schedule.warmup) if shortened else schedule
