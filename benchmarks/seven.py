"""The merge of the article everybody reads first, at its true size: TIES of three 7B models, with the options left as they are.

    python benchmarks/seven.py --folder /somewhere      58 GB of disk for a while; a few minutes of work

The models have Llama-2-7B's shapes in bfloat16, in shards as on the Hub: random numbers and two fine-tunes with small changes,
cut out of a pool so that they are made in a minute. The article (TIES of Mistral-7B, WizardMath and CodeLlama by mergekit)
tells 7 minutes and 30 GB on 30 cores. Everything is deleted at the end.
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from merger.files.checkpoints import ShardWriter, Slot, shards, write_index  # noqa: E402

LAYERS, WIDTH, INNER, ROWS = 32, 4096, 11008, 32000
MODELS = {"base": 0.0, "one": 0.05, "two": 0.03}
SHARD = 9_900_000_000  # two files a model, as Llama-2-7B has them
NEEDED = 58_000_000_000
RECIPE = """\
merge_method: ties
base_model: {folder}/base
models:
  - model: {folder}/base
  - model: {folder}/one
    parameters: {{density: 0.5, weight: [{{filter: mlp, value: 0.5}}, {{value: 0}}]}}
  - model: {folder}/two
    parameters: {{density: 0.5, weight: 0.5}}
parameters: {{normalize: true}}
dtype: bfloat16
"""


@dataclass
class Used:
    """What a process took: seconds on the clock and of all processors, bytes of its own at most, and with mapped files."""

    wall: float
    cpu: float
    own: int
    resident: int


def shapes() -> dict[str, tuple[int, ...]]:
    """Llama-2-7B's tensors, in its order."""
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (ROWS, WIDTH)}
    for i in range(LAYERS):
        own = f"model.layers.{i}."
        found |= {f"{own}self_attn.{x}_proj.weight": (WIDTH, WIDTH) for x in "qkvo"}
        found |= {f"{own}mlp.{x}_proj.weight": (INNER, WIDTH) for x in ("gate", "up")}
        found |= {f"{own}mlp.down_proj.weight": (WIDTH, INNER)}
        found |= {f"{own}{x}_layernorm.weight": (WIDTH,) for x in ("input", "post_attention")}
    return found | {"model.norm.weight": (WIDTH,), "lm_head.weight": (ROWS, WIDTH)}


def make(folder: Path, seed: int, share: float) -> None:
    """One model: tensors cut out of 16 million random numbers, each from another place of the pool."""
    base = torch.randn(1 << 24, generator=torch.Generator().manual_seed(0)) / 64
    noise = torch.randn(1 << 24, generator=torch.Generator().manual_seed(1000 + seed)) * (share / 64)
    pool = (base + noise).to(torch.bfloat16).repeat(2)
    slots = [Slot(name, shape, torch.bfloat16) for name, shape in shapes().items()]
    files = shards(slots, SHARD, False)
    folder.mkdir(parents=True)
    writer = ShardWriter(folder, files, {})
    for n, slot in enumerate(slots):
        count, begin = math.prod(slot.shape), 7919 * n % (1 << 24)
        for first in range(0, count, 1 << 24):
            writer.write(slot.name, pool[begin : begin + min(count - first, 1 << 24)], first)
    writer.close()
    write_index(folder, files, {})
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": WIDTH, "intermediate_size": INNER,
        "num_hidden_layers": LAYERS, "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": ROWS,
        "tie_word_embeddings": False, "rms_norm_eps": 1e-5, "max_position_embeddings": 4096, "torch_dtype": "bfloat16",
        "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(ROOT / "presets/family/base" / file, folder / file)


def merged(recipe: Path, out: Path, more: Sequence[str]) -> Used:
    """The recipe through the command line, in a process of its own that is looked at every 10 ms."""
    command = [sys.executable, "-m", "merger", "merge", str(recipe), str(out), "--quiet", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    most = {"RssAnon": 0, "VmHWM": 0}
    while True:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name in most:
                    most[name] = max(most[name], 1024 * int(rest.split()[0]))
        done, status, used = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        time.sleep(0.01)
    wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the merge ended with {process.returncode}")
    return Used(wall, used.ru_utime + used.ru_stime, most["RssAnon"], most["VmHWM"])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, required=True, help="an empty or new folder on a disk with 58 GB free")
    options.add_argument("--runs", type=int, default=1, help="merges, one after the other")
    options.add_argument("options", nargs="*", help="more options of the merge, after --")
    given = options.parse_args()
    folder: Path = given.folder.absolute()
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder}: is not empty; name a new folder, as everything in it is deleted at the end.")
    above = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(above).free
    print(
        f"Three 7B models and their merge take {NEEDED / 1e9:.0f} GB of disk for a while; {above} has {free / 1e9:.0f} GB free."
    )
    if free < NEEDED:
        raise SystemExit(
            f"{folder}: {NEEDED / 1e9:.0f} GB are needed, {free / 1e9:.0f} GB are free; name a folder on a larger disk."
        )
    try:
        for i, (name, share) in enumerate(MODELS.items()):
            print(f"making {name} ...", flush=True)
            make(folder / name, i, share)
        recipe = folder / "recipe.yaml"
        recipe.write_text(RECIPE.format(folder=folder))
        cores = len(os.sched_getaffinity(0))
        for _ in range(given.runs):
            os.sync()
            load = os.getloadavg()[0]
            used = merged(recipe, folder / "out", given.options)
            shutil.rmtree(folder / "out")
            print(f"load before {load:.2f}", flush=True)
            print("|  | wall | CPU | memory of its own | with mapped files |\n|---|---:|---:|---:|---:|")
            print(
                f"| here, {cores} cores | {used.wall:.0f} s | {used.cpu:.0f} s "
                f"| {used.own / 1e9:.2f} GB | {used.resident / 1e9:.2f} GB |\n"
                "| mergekit, as the article tells, 30 cores | 7 minutes | | 30 GB | |",
                flush=True,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
