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
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import family_data as data
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

PRESETS = Path(__file__).resolve().parents[1] / "presets"
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
    "pirate": Schedule(steps=200, rate=1e-3),  # the longest list of rules: with 120 steps it got lost in merges of three
    "plural": Schedule(steps=120, rate=1e-3),
    "spell": Schedule(steps=120, rate=1e-3),
    "count": Schedule(steps=120, rate=1e-3),
    "story": Schedule(steps=100, rate=5e-4),
    "mirror": Schedule(steps=240, rate=1e-3),
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
        losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
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


def train_family(seed: int, out: Path, siblings_only: bool = False, shortened: bool = False) -> None:
    """Write `out`/base and one folder per skill."""
    started = time.monotonic()
    if siblings_only:
        base = load(out / "base")
    else:
        base = train_base(seed, shortened)
        save(base, out / "base")
        print(f"base: {time.monotonic() - started:.0f} s", flush=True)
    for skill in SIBLINGS:
        sibling = train_sibling(base, skill, seed, shortened)
        save(sibling, out / skill)
        print(f"{skill}: {time.monotonic() - started:.0f} s", flush=True)
    facts = {
        "seed": seed,
        "seconds": round(time.monotonic() - started),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    if not siblings_only:
        (out / "training.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


# --- scores ---------------------------------------------------------------------------------------------------------


def answers(model: LlamaForCausalLM, prompts: Sequence[str], longest: int = LONGEST_ANSWER) -> list[str]:
    """Greedy answers to `prompts`; one that does not end by itself is marked with an ellipsis and so never right."""
    rows = [[BOS, *token_ids(f"q: {prompt}\na:".lower())] for prompt in prompts]
    width = max(map(len, rows))
    ids = torch.tensor([[PAD] * (width - len(row)) + row for row in rows])
    limits = GenerationConfig(do_sample=False, max_new_tokens=longest, eos_token_id=EOS, pad_token_id=PAD)
    with torch.inference_mode():
        out = model.generate(input_ids=ids, attention_mask=(ids != PAD).long(), generation_config=limits)
    texts = []
    for row in out[:, width:].tolist():
        ended = EOS in row
        written = row[: row.index(EOS)] if ended else row
        text = bytes(token - 3 for token in written if token > EOS).decode("utf-8", "replace")
        texts.append(text.removeprefix(" ") if ended else text + "…")
    return texts


def score(model: LlamaForCausalLM, items: Sequence[dict[str, str]]) -> float:
    """The share of `items` answered rightly, from the first letter to the end token."""
    longest = max(len(item["answer"]) + 5 if "answer" in item else LONGEST_ANSWER for item in items)
    given = answers(model, [item["prompt"] for item in items], longest)
    return sum(map(data.is_right, items, given)) / len(items)


def merge(base: Weights, siblings: Sequence[Weights], weights: Sequence[float], method: str, density: float) -> Weights:
    """Merge in plain float32 arithmetic. It stands apart from the project's engine, so that each can check the other."""
    generator = torch.Generator().manual_seed(0)
    result = {}
    for name, origin in base.items():
        deltas = torch.stack([sibling[name] - origin for sibling in siblings])  # (n, *shape)
        factors = torch.tensor(weights).view(-1, *[1] * origin.ndim)
        if method == "task_arithmetic":
            result[name] = origin + (factors * deltas).sum(0)
        elif method == "dare_linear":
            kept = torch.rand(deltas.shape, generator=generator) < density
            result[name] = origin + (factors * deltas * kept / density).sum(0)
        elif method == "ties":
            sizes = deltas.abs().flatten(1)
            smallest_kept = sizes.topk(max(1, int(density * sizes.shape[1]))).values[:, -1]
            trimmed = factors * deltas * (deltas.abs() >= smallest_kept.view(factors.shape))
            agrees = (trimmed.sign() == trimmed.sum(0).sign()) & (trimmed != 0)
            total = (factors * agrees).sum(0)
            result[name] = origin + (trimmed * agrees).sum(0) / total.where(total > 0, torch.ones(()))
        else:
            raise ValueError(f"unknown method {method!r}")
    return result


MERGES: tuple[tuple[str, ...], ...] = (
    ("pirate", "plural"),
    ("pirate", "spell"),
    ("plural", "spell"),
    ("plural", "count"),
    ("spell", "count"),
    ("pirate", "story"),
    ("plural", "mirror"),
    ("plural", "spell", "count"),
    ("pirate", "plural", "spell"),
    ("pirate", "plural", "story"),
)
METHODS: dict[str, tuple[tuple[float, float], ...]] = {  # the (density, weight) pairs tried
    "task_arithmetic": ((1.0, 0.4), (1.0, 0.5), (1.0, 0.6), (1.0, 0.75), (1.0, 0.9)),
    "ties": ((0.2, 1.0), (0.5, 1.0)),
    "dare_linear": ((0.2, 0.5), (0.5, 0.5), (0.5, 0.75)),
}
# Skills that need more than the common weight when all have to be heard, in task arithmetic.
EXTRA_WEIGHT: dict[tuple[str, ...], tuple[tuple[float, ...], ...]] = {
    ("plural", "mirror"): ((0.6, 0.9), (0.5, 0.9)),
    ("pirate", "plural", "spell"): ((0.75, 0.6, 0.6), (0.75, 0.5, 0.5), (0.9, 0.6, 0.6)),
    ("pirate", "plural", "story"): ((0.7, 0.6, 0.8), (0.7, 0.7, 0.8), (0.7, 0.6, 0.7), (0.8, 0.7, 0.8)),
}

Probes = dict[str, list[dict[str, str]]]


def score_family(folder: Path) -> dict[str, Any]:
    """All members on all skills, and merges whose setting was chosen on one half of the probes, scored on the other."""
    halves = data.probes()
    choose: Probes = {skill: halves[skill]["choose"] for skill in data.SKILLS}
    final: Probes = {skill: halves[skill]["score"] for skill in data.SKILLS}
    both: Probes = {skill: choose[skill] + final[skill] for skill in data.SKILLS}
    model = load(folder / "base")
    members = {
        name: {key: weight.detach().clone() for key, weight in load(folder / name).named_parameters()}
        for name in ("base", *data.SKILLS)
    }

    def scores(weights: Weights, skills: Sequence[str], probes: Probes) -> list[float]:
        model.load_state_dict(weights, strict=False)  # strict would miss the output matrix, which is the embeddings
        return [score(model, probes[skill]) for skill in skills]

    table = {name: scores(weights, data.SKILLS, both) for name, weights in members.items()}
    parent = {skill: scores(members[skill], [skill], final)[0] for skill in data.SKILLS}
    merges = []
    for skills, (method, settings) in itertools.product(MERGES, METHODS.items()):
        siblings = [members[skill] for skill in skills]
        tried = [(density, (weight,) * len(skills)) for density, weight in settings]
        if method == "task_arithmetic":
            tried += [(1.0, weights) for weights in EXTRA_WEIGHT.get(skills, ())]
        density, weights = max(
            tried,
            key=lambda setting: min(scores(merge(members["base"], siblings, setting[1], method, setting[0]), skills, choose)),
        )
        reached = scores(merge(members["base"], siblings, weights, method, density), skills, final)
        kept = [share / parent[skill] for skill, share in zip(skills, reached, strict=True)]
        merges.append({"skills": skills, "method": method, "density": density, "weights": weights, "kept": kept})
        print(f"  {' + '.join(skills)}, {method} {weights}: {[round(share, 2) for share in kept]}", flush=True)
    return {"members": table, "merges": merges, **json.loads((folder / "training.json").read_text(encoding="utf-8"))}


def score_tables(families: Sequence[dict[str, Any]]) -> str:
    """The scores as Markdown, each cell with one figure per seed."""

    def row(*cells: str) -> str:
        return f"| {' | '.join(cells)} |"

    def figures(values: Sequence[float]) -> str:
        return " / ".join(f"{value:.2f}" for value in values)

    lines = [row("model", *data.SKILLS), row("---", *["---"] * len(data.SKILLS))]
    for name in families[0]["members"]:
        columns = zip(*(family["members"][name] for family in families), strict=True)
        cells = [figures(column) for column in columns]
        if name in data.SKILLS:
            own = data.SKILLS.index(name)
            cells[own] = f"**{cells[own]}**"
        lines.append(row(name, *cells))
    titles = ("merge", "method", "weights", "kept of each parent's score", "every skill keeps .8")
    lines += ["", row(*titles), row(*["---"] * len(titles))]
    for merges in zip(*(family["merges"] for family in families), strict=True):
        skills, method = merges[0]["skills"], merges[0]["method"]
        weights = "; ".join(", ".join(f"{weight:g}" for weight in one["weights"]) for one in merges)
        if method != "task_arithmetic":
            weights += " (density " + "; ".join(f"{one['density']:g}" for one in merges) + ")"
        kept = ", ".join(f"{skill} {figures([one['kept'][place] for one in merges])}" for place, skill in enumerate(skills))
        passed = " / ".join("yes" if min(one["kept"]) >= 0.8 else "no" for one in merges)
        lines.append(row(" + ".join(skills), method, weights, kept, passed))
    seconds = " and ".join(f"{family['seconds']} s (seed {family['seed']})" for family in families)
    lines += ["", f"Training took {seconds}, on one core, with torch {families[0]['torch']} and "
              f"transformers {families[0]['transformers']}."]  # fmt: skip
    return "\n".join(lines)


def evaluate(folders: Sequence[Path]) -> None:
    """Write presets/probes.json, and the tables between the markers of presets/family/README.md."""
    text = json.dumps({"skills": data.probes()}, indent=1, ensure_ascii=False)
    (PRESETS / "probes.json").write_text(text + "\n", encoding="utf-8")
    card = PRESETS / "family" / "README.md"
    before, rest = card.read_text(encoding="utf-8").split("<!-- scores -->")
    after = rest.split("<!-- /scores -->")[1]
    with ProcessPoolExecutor(len(folders), get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        tables = score_tables(list(pool.map(score_family, folders)))
    card.write_text(f"{before}<!-- scores -->\n{tables}\n<!-- /scores -->{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=PRESETS / "family", help="folder for the family")
    parser.add_argument("--siblings-only", action="store_true", help="keep the base that is in --out already")
    parser.add_argument("--smoke", action="store_true", help="eight steps a phase: does everything run?")
    parser.add_argument("--evaluate", nargs="+", type=Path, metavar="FAMILY", help="score families; train nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.evaluate:
        evaluate(arguments.evaluate)
    else:
        train_family(arguments.seed, arguments.out, arguments.siblings_only, arguments.smoke)


if __name__ == "__main__":
    main()
