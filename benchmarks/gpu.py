"""Live merging on a GPU: three models of 7B's shape in its memory, nothing on disk, no network, under ten minutes.

    python benchmarks/gpu.py                        the table; needs a CUDA device with 80 GB
    python benchmarks/gpu.py --device cpu --tiny    checks this script and the device's passes anywhere; its times say nothing

Checked: each method's tensors in float32 against the CPU's. Measured: all tensors of a TIES merge again after each density
moved, one layer again, and from a move to the first token of a random Llama that holds the merged tensors; of each method a first
merge and one after a move, against the bytes it must read and write (docs/performance.md, "On a GPU, counted"); a column uploaded
as `Parents.streams` does it, and what looking at deltas takes where most of them are one magnitude.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from batch import goal
from models import ROOT
from torch import Tensor

sys.path.insert(0, str(ROOT))

from merger.engine.session import Parents, Session
from merger.engine.tensor import merge_tensor
from merger.files.checkpoints import Checkpoint, Stored
from merger.kernels import backend, gpu
from merger.recipe import Recipe, load
from merger.recipe import replace as changed

Shape = tuple[int, ...]
# layers, width, feed-forward, vocabulary, heads
SIZES = {"7B": (32, 4096, 11008, 32000, 32), "tiny": (3, 256, 512, 1024, 4)}
RECIPE = """
merge_method: {method}
base_model: base
models:
- {{model: one, parameters: {{weight: 0.6, density: 0.5}}}}
- {{model: two, parameters: {{weight: 0.4, density: 0.5}}}}
dtype: float32
out_dtype: bfloat16
"""
METHODS = ("ties", "dare_ties", "dare_linear", "della", "breadcrumbs", "task_arithmetic", "model_stock")
LAYER = ".layers.1."


@dataclass(frozen=True)
class Held(Checkpoint):
    """A model whose tensors are in a device's memory."""

    values: Mapping[str, Tensor] = field(kw_only=True)

    def read(self, name: str, rows: slice | None = None) -> Tensor:
        """The tensor itself."""
        return self.values[name] if rows is None else self.values[name][rows]

    @property
    def pieces(self) -> tuple[()]:
        """No files."""
        return ()


def shapes(size: str) -> dict[str, Shape]:
    """The tensors of a Llama with as many key and value heads as others, and an untied head."""
    layers, width, inner, vocab, _ = SIZES[size]
    found: dict[str, Shape] = {"model.embed_tokens.weight": (vocab, width)}
    for i in range(layers):
        own = f"model.layers.{i}."
        found |= {f"{own}self_attn.{p}_proj.weight": (width, width) for p in "qkvo"}
        found |= {
            own + "mlp.gate_proj.weight": (inner, width), own + "mlp.up_proj.weight": (inner, width),
            own + "mlp.down_proj.weight": (width, inner), own + "input_layernorm.weight": (width,),
            own + "post_attention_layernorm.weight": (width,),
        }  # fmt: skip
    return found | {"model.norm.weight": (width,), "lm_head.weight": (vocab, width)}


def config(size: str) -> dict[str, object]:
    """config.json of that Llama."""
    layers, width, inner, vocab, heads = SIZES[size]
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": width, "intermediate_size": inner,
        "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": heads, "vocab_size": vocab,
        "tie_word_embeddings": False, "max_position_embeddings": 2048, "torch_dtype": "bfloat16", "hidden_act": "silu",
        "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip


def parents(size: str, device: torch.device) -> Parents:
    """A base and two fine-tunes from fixed seeds, made on the device: changes of 5 and 3 %, with heavy tails."""
    found = Parents(str(device))
    values: dict[str, dict[str, Tensor]] = {"base": {}, "one": {}, "two": {}}
    for n, (name, shape) in enumerate(shapes(size).items()):
        draw = torch.Generator(device).manual_seed(n)
        base = torch.randn(shape, generator=draw, device=device) / shape[-1] ** 0.5
        values["base"][name] = base.to(torch.bfloat16)
        for model, share in (("one", 0.05), ("two", 0.03)):
            noise = torch.randn(shape, generator=draw, device=device)
            noise *= noise.abs().sqrt()
            values[model][name] = (base + noise * (share / shape[-1] ** 0.5)).to(torch.bfloat16)
    stored = {name: Stored(shape, torch.bfloat16, Path("memory"), 0) for name, shape in shapes(size).items()}
    for model, tensors in values.items():
        found._models[model] = Held(model, Path("memory"), stored, config(size), values=tensors)
    return found


def milliseconds(act: Callable[[], object], device: torch.device, runs: int) -> float:
    """The median of so many calls after two, each until the device is done."""
    times: list[float] = []
    for _ in range(runs + 2):
        settle(device)
        started = time.perf_counter()
        act()
        settle(device)
        times.append(time.perf_counter() - started)
    return statistics.median(times[2:]) * 1e3


def settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def copy_bandwidth(device: torch.device, tiny: bool) -> float:
    """Bytes a second that a copy reads and writes."""
    a = torch.zeros(1 << (20 if tiny else 30), dtype=torch.bfloat16, device=device)
    b = torch.empty_like(a)
    return 2 * a.nbytes / (milliseconds(lambda: b.copy_(a), device, 9) / 1e3)


def equality(held: Parents, device: torch.device) -> Iterator[tuple[str, int, int, int]]:
    """Of one layer: method, elements, how many differ from the CPU's in a bit, and by more than rounding (kept, elected)."""
    passes = backend.backend
    for method in METHODS:
        session = Session(held)
        jobs = [job for job in session.prepare(load(RECIPE.format(method=method)))[0].jobs if LAYER in job.name]
        count = bits = other = 0
        for job in (replace(job, out=torch.float32) for job in jobs):
            ours = merge_tensor(job, held.read, device, known=held.known).cpu()
            backend.backend = lambda kind: None if kind == "cpu" else passes(kind)  # the CPU's answer by plain torch
            truth = merge_tensor(job, lambda source: held.read(source).cpu(), "cpu")
            backend.backend = passes
            count += truth.numel()
            bits += int((ours.view(torch.int32) != truth.view(torch.int32)).sum())
            other += int(((ours - truth).abs() > 1e-6 * truth.abs() + 1e-9).sum())
        yield method, count, bits, other


def densities() -> Iterator[float]:
    """Never the same twice in a run."""
    for n in range(1, 1000):
        yield 0.2 + 0.6 * (n * 0.6180339887 % 1)


def moved(start: Recipe, value: float, layer: bool) -> Recipe:
    """The next density: of one layer, or everywhere."""
    rule = [{"filter": LAYER, "value": value}, {"value": 0.5}] if layer else value
    return changed(changed(start, "models[0].parameters.density", rule), "models[1].parameters.density", rule)


def each(session: Session, device: torch.device, runs: int) -> Iterator[tuple[str, float, float]]:
    """Of every method: milliseconds of a first merge of all tensors, and of one after a move; 0 where nothing can be moved."""
    for method in METHODS:
        start, values = load(RECIPE.format(method=method)), densities()
        session.parents.known = type(session.parents.known)()  # as for models that were never looked at
        session.done.clear()
        settle(device)
        began = time.perf_counter()
        session.apply(start)
        settle(device)
        first = (time.perf_counter() - began) * 1e3
        what = "density" if "density" in {p.name for p in start.method.params} else "weight"

        def move(start: Recipe = start, what: str = what, values: Iterator[float] = values) -> None:
            session.apply(
                changed(start, f"models[0].parameters.{what}", next(values))
                if what == "weight"
                else moved(start, next(values), False)
            )

        if start.method.law.combine == "step":  # it has no number to move
            yield method, first, 0.0
        else:
            yield method, first, milliseconds(move, device, runs)


def upload(device: torch.device, tiny: bool) -> float:
    """Bytes a second from memory that the system does not move to the device."""
    a = torch.zeros(1 << (20 if tiny else 29), dtype=torch.bfloat16)
    a = a.pin_memory() if device.type == "cuda" else a
    b = torch.empty_like(a, device=device)
    return a.nbytes / (milliseconds(lambda: b.copy_(a), device, 5) / 1e3)


def crowded(device: torch.device, tiny: bool) -> Iterator[tuple[str, float]]:
    """Milliseconds of looking for a cut in two deltas where many of the magnitudes are the same: programs wait for each other."""
    n = 1 << (16 if tiny else 26)
    base = torch.zeros(n, dtype=torch.bfloat16, device=device)
    draw = torch.Generator(device).manual_seed(0)
    for name, share in (("all apart", 0.0), ("half are 0", 0.0), ("a tenth the same", 0.1), ("half the same", 0.5)):
        x = torch.randn(n, generator=draw, device=device).to(torch.bfloat16)
        some = torch.rand(n, generator=draw, device=device)
        x = x.where(some >= (0.5 if name == "half are 0" else share), 0.0 if name == "half are 0" else 0.125)
        yield name, milliseconds(lambda x=x: gpu.search([x, x], base, [(n // 3,), (n // 2,)], [None, None]), device, 5)


def llama(session: Session, size: str, device: torch.device) -> torch.nn.Module:
    """A Llama whose parameters are the session's tensors."""
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**config(size))).to(torch.bfloat16)
    model.load_state_dict(session.tensors, assign=True)
    rotary = type(model.model.rotary_emb)(model.config)  # its buffers are not in the state
    model.model.rotary_emb = rotary.to(device)
    return model.eval()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", default="cuda")
    options.add_argument("--tiny", action="store_true", help="a model of 3 million parameters")
    options.add_argument("--runs", type=int, default=11)
    given = options.parse_args()
    size, found = "tiny" if given.tiny else "7B", {}
    if given.device == "cpu":
        backend.backend = lambda kind: None  # what a GPU without Triton would run, on this processor
    elif not torch.cuda.is_available():
        raise SystemExit("no CUDA device here, so nothing was measured; --device cpu --tiny checks this script")
    device = torch.device(given.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "a CPU: its times say nothing about a GPU"
    how = "one launch a tensor" if gpu.available() and device.type == "cuda" else "the methods' torch functions"
    print(f"{name}; torch {torch.__version__}; {how}", flush=True)
    with torch.inference_mode():
        held = parents(size, device)
        numel = sum(torch.Size(s).numel() for s in shapes(size).values())
        bandwidth = found["copy GB/s"] = copy_bandwidth(device, given.tiny) / 1e9
        print(f"{numel / 1e9:.2f} G parameters x 3 in bfloat16; copying moves {bandwidth:.0f} GB/s", flush=True)
        wrong = 0
        for method, count, bits, other in equality(held, device):
            wrong += other
            found[f"{method} differs"] = bits
            print(f"  {method:16} {count:,} elements against the CPU's: {bits} other bits, {other} beyond rounding", flush=True)
        start, session, values = load(RECIPE.format(method="ties")), Session(held), densities()
        began = time.perf_counter()
        session.apply(start)
        settle(device)
        found["first merge with tables, s"] = time.perf_counter() - began
        planning = milliseconds(lambda: session.prepare(moved(start, next(values), False)), device, 3)
        whole = milliseconds(lambda: session.apply(moved(start, next(values), False)), device, given.runs) - planning
        layer = milliseconds(lambda: session.apply(moved(start, next(values), True)), device, given.runs) - planning
        found |= {"planning ms": planning, "whole ms": whole, "layer ms": layer}
        first = found["first merge with tables, s"]
        print(f"first merge, which makes the tables of all thresholds: {first:.1f} s; planning {planning:.1f} ms")
        share = found["share of copy"] = 8 * numel / (whole / 1e3) / 1e9 / bandwidth
        rows = [(f"whole TIES again {whole:.2f} ms, share of copy speed at 8 bytes", share, 0.6, 0.8, False)]
        rows.append(("one layer again, ms", layer, 1, 0.6, True))
        for method, first, again in each(session, device, 3):
            found |= {f"{method} first ms": first, f"{method} moved ms": again}
            told = f"{8 * numel / (again / 1e3) / 1e9 / bandwidth:.2f} of copying" if again else "nothing to move"
            print(f"  {method:16} first {first:.1f} ms; moved {again:.1f} ms, {told}", flush=True)
        found["upload GB/s"] = upload(device, given.tiny) / 1e9
        streamed = 6 * numel / SIZES[size][0] / found["upload GB/s"] / 1e6
        print(f"uploading moves {found['upload GB/s']:.1f} GB/s: a layer's models in {streamed:.0f} ms where they wait outside")
        if device.type == "cuda" and gpu.available():
            for name, ms in crowded(device, given.tiny):
                found[f"looking, {name}, ms"] = ms
                print(f"  looking at two deltas of 67 M, {name}: {ms:.2f} ms")
        session.apply(start)
        model = llama(session, size, device)
        ids = torch.randint(3, SIZES[size][3], (1, 32), device=device)

        def first_token() -> int:
            session.apply(moved(start, next(values), True))
            return int(model(input_ids=ids, logits_to_keep=1).logits[0, -1].argmax())

        token = milliseconds(first_token, device, given.runs)
        found["first token ms"] = token
        rows.append(("release to first token, ms (planning in it)", token, 50, 25, True))
        for label, value, floor, aim, below in rows:
            print(goal(label, value, floor, aim, below) if device.type == "cuda" else f"{label} {value:.2f}")
        same = all(p.data_ptr() == session.tensors[n].data_ptr() for n, p in model.named_parameters())
        print(f"the Llama's parameters are the session's tensors: {same}")
    print(json.dumps(found))
    if wrong or not same:
        raise SystemExit("the device's tensors are not the CPU's")


if __name__ == "__main__":
    main()
