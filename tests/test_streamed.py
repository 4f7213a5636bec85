"""Models judged layer by layer: the figures of the merge in memory, in the memory of a layer; what ends early leaves nothing."""

import json
import math
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
import zoo

from merger.__main__ import main
from merger.chat import batch, streamed
from merger.chat.model import Plain
from merger.chat.streamed import StreamedForward
from merger.cli import judge as command
from merger.engine.session import Parents
from merger.errors import Cancelled, CheckpointError, InputChanged
from merger.files.checkpoints import format_bytes
from merger.recipe import Recipe, load, load_file
from merger.search import judge
from merger.search.judge import Judge, Measured, Text
from merger.search.likelihood import examples, logprobs
from merger.search.questions import Question, QuestionSet
from merger.search.streaming import StreamRunner
from merger.search.trials import Runner

ROOT = Path(__file__).parent.parent
FAMILY = "presets/family"
ASKED = QuestionSet(
    "few",
    (
        Question("plural of box", "boxes", "exact", "plural"),
        Question("plural of cat", "cats", "exact", "plural"),
        Question("plural of baby", "babies", "choice", "choice", ("babies", "babys", "babyes")),
        Question("say hello my friend", "", "parent", "talk"),
        Question("plural of dog", "dog", "within", "words"),
        Question("say wow the good hat", "[aeiou]{2}|rr", "pattern", "words"),
        Question("count to three", "x", "within", "words"),
    ),
)
TEXT = Text("text", ("say hello my friend like a pirate", "plural of box and cat and dog"))


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Layers of tiny models are streamed as large ones are; whatever comes of a test, no pass waits any more behind it."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    monkeypatch.setattr(streamed, "_SMALL", 0)
    monkeypatch.setattr(judge, "TOLD", 8)
    yield
    assert not waiting()


def waiting() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "merger streamed pass"]


def measured(runner: Runner, recipe: Recipe, parents: list[str], asked: QuestionSet = ASKED) -> Measured:
    return Judge(runner, asked, [TEXT], parents, samples=False, longest=12).measure(recipe)


def values(found: Measured) -> dict[str, float]:
    return {f"{kind} {of}": figure.value for (kind, of), figure in found.figures.items()}


def same(recipe: Recipe, parents: list[str], asked: QuestionSet = ASKED) -> tuple[Measured, list[str]]:
    """Hold the streamed figures against those of the merge in memory; gives them, and the layers that were made."""
    made: list[str] = []
    runner = StreamRunner(Parents(), made.append)
    found, whole = measured(runner, recipe, parents, asked), measured(Runner(Parents()), recipe, parents, asked)
    assert values(found) == pytest.approx(values(whole), rel=1e-3, abs=1e-3)
    assert found.right == whole.right and len(found.figures) >= 7
    written = sum(q.match in ("within", "pattern") for q in asked.questions)
    assert [(h.text, h.tokens, h.ended) for h in found.heard] == [(h.text, h.tokens, h.ended) for h in whole.heard]
    assert len(found.heard) == written and all(h.tokens for h in found.heard)
    for who in (runner.merged(recipe), *map(runner.parent, parents)):  # nothing of it has stayed
        assert all(bool(p.isnan().all()) and p.untyped_storage().nbytes() <= 8 for p in streams(who.module))
    return found, made


def streams(module: Any) -> list[torch.Tensor]:
    return [p for name, p in module.named_parameters() if ".layers." in name and "vision" not in name]


@pytest.mark.parametrize("kind", ["mixtral", "qwen3_moe", "llama4", "gemma2", "jamba", "recurrent_gemma"])
@pytest.mark.long
def test_a_types_figures_are_those_of_the_merge_in_memory(kind: str, tmp_path: Path) -> None:
    """Experts, a type that asks its embeddings where they are, windows, states beside the keys, or in the layers."""
    zoo.family(kind, tmp_path)
    recipe = load(zoo.RECIPES["ties"].replace("@", str(tmp_path)))
    plain = QuestionSet(ASKED.name, ASKED.questions, True)
    _, made = same(recipe, [str(tmp_path / "base"), str(tmp_path / "a")], plain)
    assert {"the merge", str(tmp_path / "a")} <= {
        of for of, _, layer in (line.partition(": ") for line in made) if ".layers.3" in layer
    }


@pytest.mark.parametrize("kind", ["mixtral", "qwen3_moe", "gemma3_text", "phi"])
@pytest.mark.long
def test_embeddings_and_heads_by_rows(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mixtures of experts, embeddings that are scaled, a head with a bias, which is made whole: the same figures."""
    made: list[str] = []
    given = streamed.StreamedForward._given_rows
    monkeypatch.setattr(streamed, "_BY_ROWS", 0)
    monkeypatch.setattr(streamed, "_LOGITS", 1)  # each text for itself
    for module in ("merger.engine.tensor", "merger.search.streaming"):
        monkeypatch.setattr(f"{module}.STRETCH", 1000)  # ends within a row
    monkeypatch.setattr(
        streamed.StreamedForward, "_given_rows", lambda self, unit, *a: made.append(unit.name) or given(self, unit, *a)
    )
    zoo.family(kind, tmp_path)
    recipe = load(zoo.RECIPES["ties"].replace("@", str(tmp_path)))
    same(recipe, [str(tmp_path / "base"), str(tmp_path / "a")], QuestionSet(ASKED.name, ASKED.questions, True))
    assert {*made} == {"model.embed_tokens", *(() if kind == "phi" else ("lm_head",))}


def test_a_row_of_padding_beyond_those_that_are_looked_up() -> None:
    module = torch.nn.Embedding(10, 3, padding_idx=5)
    whole = torch.arange(30.0).reshape(10, 3)
    rows = streamed._ByRows(module, torch.nn.Embedding.forward, torch.tensor([[7, 7]]), torch.float32)
    rows.take(0, whole)
    assert torch.equal(rows(), whole[torch.tensor([[7, 7]])]) and module.padding_idx == 5


@pytest.mark.smollm
@pytest.mark.long
def test_smollm2_has_the_figures_of_the_merge_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    import smollm

    try:
        folder = smollm.family()
    except smollm.Unavailable as error:
        pytest.skip(str(error))
    monkeypatch.setattr(streamed, "_SMALL", 1 << 20)
    monkeypatch.setattr(streamed, "_BY_ROWS", 1 << 20)
    two = "".join(f"  - {{model: {folder}/{n}, parameters: {{weight: 0.7, density: 0.5}}}}\n" for n in ("pirate", "json"))
    recipe = load(f"merge_method: ties\nbase_model: {folder}/base\ndtype: bfloat16\nmodels:\n{two}")
    asked = QuestionSet("s", (
        Question("What is the capital of Italy?", "The capital of Italy is Rome.", "exact", "a"),
        Question("Do you like tea?", "Yes", "choice", "b", ("Yes", "No")),
        Question("Say ahoy like a pirate.", "matey", "within", "c"),
        Question("Name a colour and a fruit, as JSON.", r"\{.*\}", "pattern", "c"),
    ))  # fmt: skip
    found, _ = same(recipe, [f"{folder}/base"], asked)
    assert 0 < found.figures["kl", f"{folder}/base"].value < 5 and 0.5 < found.figures["bits", "text"].value < 8


def test_each_layer_is_made_once_for_all_texts() -> None:
    made: list[str] = []
    who = StreamRunner(Parents(roots=[ROOT]), made.append).parent(f"{FAMILY}/plural")
    assert isinstance(who.forward, StreamedForward)
    who.probed  # noqa: B018 - asked first, by passes of its own
    made.clear()
    who.forward.at_once = 1  # each text for itself
    asked = examples(who, ["plural of box"] * 9, ["boxes"] * 9, blank=" ")
    found = logprobs(who, asked)
    assert len(made) == len(set(made)) and sum(".layers." in line for line in made) == 6, made
    assert found.tolist() == pytest.approx([float(found[0])] * 9, abs=1e-3)


def test_texts_on_their_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound they go in several groups, and a text that is too much for it goes alone."""
    made: list[str] = []
    most: list[int] = []

    def tell(line: str) -> None:
        made.append(line)
        most.append(len(waiting()))

    who = StreamRunner(Parents(roots=[ROOT]), tell).parent(f"{FAMILY}/plural")
    who.probed  # noqa: B018
    who.forward.at_once = 1
    asked = examples(who, ["plural of box"] * 6, ["boxes"] * 6, blank=" ")
    whole = logprobs(who, asked)
    one = 16 * who.module.config.hidden_size * (len(asked[0].asked) + len(asked[0].wanted))
    for bound, groups, together in ((1, 6, 1), (2 * one, 3, 2), (6 * one, 1, 6)):
        made.clear()
        most.clear()
        monkeypatch.setattr(streamed, "STREAMED_BYTES", bound)
        assert logprobs(who, asked).tolist() == pytest.approx(whole.tolist(), abs=1e-3)
        assert sum(line.endswith(".layers.0") for line in made) == groups
        assert max(most) == together


@pytest.mark.parametrize("when", ["layer", "texts"])
def test_it_can_be_stopped(when: str) -> None:
    """In the middle of a layer by Ctrl-C, between two by whoever asked: no pass waits on, and the next judge starts afresh."""
    recipe = load_file(ROOT / "presets" / "pirate_and_plurals.yaml")
    stop, seen = [True], list[str]()

    def tell(line: str) -> None:
        seen.append(line)
        if stop[0] and when == "layer" and line.endswith(".layers.2") and len(seen) > 60:
            raise KeyboardInterrupt

    runner = StreamRunner(Parents(roots=[ROOT]), tell)
    own = Judge(runner, ASKED, [TEXT], [f"{FAMILY}/base"], samples=False)
    with pytest.raises(KeyboardInterrupt if when == "layer" else Cancelled):
        own.measure(recipe, go_on=lambda: when == "layer" or len(seen) < 60)
    assert not waiting()
    who = runner.merged(recipe)
    assert all(bool(p.isnan().all()) for p in streams(who.module))
    stop[0] = False
    assert values(own.measure(recipe)) == pytest.approx(
        values(measured(Runner(Parents(roots=[ROOT])), recipe, [f"{FAMILY}/base"])), rel=1e-3, abs=1e-3
    )


def test_a_model_that_changes_meanwhile_is_told(family: Path, tmp_path: Path) -> None:
    own = shutil.copytree(family, tmp_path / "own")
    recipe = load("{merge_method: linear, models: [{model: a}, {model: b}], parameters: {weight: 0.5}}")
    seen: list[str] = []

    def tell(line: str) -> None:
        seen.append(line)
        if len(seen) == 40:
            file = own / "b" / "model.safetensors"
            file.write_bytes(file.read_bytes()[:-8])

    with pytest.raises((InputChanged, CheckpointError)):
        Judge(StreamRunner(Parents(roots=[own]), tell), ASKED, [TEXT], ["a"], samples=False).measure(recipe)


def test_a_type_that_uses_a_layer_elsewhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not there is no number, so that nothing wrong is told for right."""
    who = StreamRunner(Parents(roots=[ROOT])).parent(f"{FAMILY}/plural")
    who.probed  # noqa: B018
    asked = examples(who, ["plural of box"], ["boxes"], blank=" ")
    weight = who.module.model.layers[0].mlp.down_proj.weight
    assert weight.shape == (96, 256) or weight.numel() > 1000
    assert weight.untyped_storage().nbytes() <= 8 and math.isnan(float(weight[0, 0]))
    who.module.model.norm.register_forward_pre_hook(lambda _, given: (given[0] + weight.sum(),))
    with pytest.raises(Exception, match="no numbers"):
        logprobs(who, asked)


CHILD = """
import json, sys, threading, time
sys.path.insert(0, sys.argv[2])
import torch
torch.set_num_threads(1)
from merger.engine.session import Parents
from merger.recipe import load
from merger.search.judge import Judge, Text
from merger.search.questions import Question, QuestionSet
from merger.search.streaming import StreamRunner
from merger.search.trials import Runner
folder = sys.argv[1]
recipe = load(f"{{merge_method: linear, models: [{{model: {folder}}}, {{model: {folder}2}}], parameters: {{weight: 1}}}}")
text = Text("t", ("one two three", "four five"))
asked = QuestionSet("q", tuple(Question(f"{n} and", "x", "within", "w") for n in ("one", "two", "three")))
def own():  # bytes, without what is mapped of files
    return int(next(line for line in open("/proc/self/status") if line.startswith("RssAnon")).split()[1]) * 1024
def watch():
    while True:
        seen.append(own())
        time.sleep(0.002)
seen = []
Judge(StreamRunner(Parents()), None, [text]).measure(sys.argv[3])  # what is loaded once
threading.Thread(target=watch, daemon=True).start()
said = {}
for name, runner in (("stream", StreamRunner(Parents())), ("whole", Runner(Parents()))):
    held = own()
    seen.clear()
    found = Judge(runner, asked, [text], samples=False, longest=3).measure(recipe)
    said[name] = [found.figures["bits", "t"].value, [h.tokens for h in found.heard], max(seen) - held]
print(json.dumps(said))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
@pytest.mark.long
def test_it_takes_the_memory_of_a_layer(tmp_path: Path) -> None:
    """A merge of 400 MB, with layers of 34 MB, answers of three words too; what is mapped of the parents counts neither way."""
    for name in ("wide", "wide2"):
        wide(tmp_path / name)
    size = (tmp_path / "wide" / "model.safetensors").stat().st_size
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "wide"), str(ROOT), str(ROOT / FAMILY / "base")],
        capture_output=True, text=True, timeout=240, check=False, cwd=ROOT,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    (bits, words, layer), (own, theirs, whole) = json.loads(ran.stdout.splitlines()[-1]).values()
    assert bits == pytest.approx(own) and size > 400_000_000 and words == theirs == [3, 3, 3]
    assert whole > 0.9 * size and layer < 170_000_000, (whole, layer)


LIMITED = """
import resource, sys
sys.path.insert(0, sys.argv[2])
import torch
torch.set_num_threads(1)
from merger.chat import streamed
from merger.engine.session import Parents
from merger.recipe import load
from merger.search.judge import Judge, Text
from merger.search.streaming import StreamRunner
folder, room = sys.argv[1], int(sys.argv[4])
streamed._BY_ROWS = int(sys.argv[5])
models = f"models: [{{model: {folder}2}}], parameters: {{weight: 1, density: 1}}"
recipe = load(f"{{merge_method: ties, base_model: {folder}, {models}}}")
text = Text("t", ("one two three", "four five"))
Judge(StreamRunner(Parents()), None, [text]).measure(sys.argv[3])  # what is loaded once
runner = StreamRunner(Parents())
runner.merged(recipe)  # transformers reserves, and does not use, what a matrix takes
held = int(next(line for line in open("/proc/self/status") if line.startswith("VmData")).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (held + room, held + room))
try:
    print(Judge(runner, None, [text]).measure(recipe).figures["bits", "t"].value)
except (MemoryError, RuntimeError) as error:
    print("too much", error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
@pytest.mark.long
def test_a_vocabulary_larger_than_all_layers_does_not_count(tmp_path: Path) -> None:
    """Embeddings and head are 600 MB, two layers 34 MB each; the process may take 400 MB: by rows they fit, whole they do not."""
    for name in ("wide", "wide2"):
        wide(tmp_path / name, layers=2, vocabulary=300_000)
    said: list[str] = []
    for by_rows in (str(streamed._BY_ROWS), str(1 << 40)):
        ran = subprocess.run(
            [sys.executable, "-c", LIMITED, str(tmp_path / "wide"), str(ROOT), str(ROOT / FAMILY / "base"), "400000000", by_rows],
            capture_output=True, text=True, timeout=240, check=False, cwd=ROOT,
        )  # fmt: skip
        said.append(ran.stdout.strip() or f"too much {ran.stderr[-500:]}")
    assert float(said[0]) > 0
    assert said[1].startswith("too much"), said[1]


def wide(folder: Path, layers: int = 12, width: int = 1024, vocabulary: int = 0) -> None:
    """A llama whose numbers are all zero, in a file of holes."""
    own = ROOT / FAMILY / "base"
    folder.mkdir()
    for file in own.iterdir():
        if file.suffix in (".json", ".jinja") and file.name != "config.json":
            (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((own / "config.json").read_text())
    config |= {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": width, "intermediate_size": 4 * width,
        "num_hidden_layers": layers, "num_attention_heads": 8, "num_key_value_heads": 8, "head_dim": width // 8,
        "tie_word_embeddings": True, **({"vocab_size": vocabulary} if vocabulary else {}),
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], width), "model.norm.weight": (width,)}
    for i in range(layers):
        at = f"model.layers.{i}."
        shapes |= {f"{at}self_attn.{p}_proj.weight": (width, width) for p in "qkvo"}
        shapes |= {f"{at}mlp.{p}_proj.weight": (4 * width, width) for p in ("gate", "up")}
        shapes |= {f"{at}mlp.down_proj.weight": (width, 4 * width)}
        shapes |= {f"{at}{n}_layernorm.weight": (width,) for n in ("input", "post_attention")}
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    written = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(written).to_bytes(8, "little") + written)
        file.truncate(8 + len(written) + end)


@pytest.mark.long
def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    asked = tmp_path / "mine.txt"
    asked.write_text("plural of box => boxes\nsay hello ~> aye\nplural of baby ?> babies | babys\n")
    recipe = load_file(ROOT / "presets" / "pirate_and_plurals.yaml")
    told: list[str] = []
    found = command.judge(command.Asked(recipe, "the recipe", asked, (), limit=2, stream=True, longest=9), announce=told.append)
    said = command.table(found)
    assert "top-1 agreement with" in said and "right choice" not in said
    whole = command.judge(command.Asked(recipe, "the recipe", asked, (), limit=2, longest=9), announce=told.append)
    assert [(h.prompt, h.text) for h in found.first.heard] == [(h.prompt, h.text) for h in whole.first.heard[:1]]
    assert found.first.right == whole.first.right and found.first.right[1] is not None
    # 9 tokens of an answer by the merge and by each of three models, and 48 of what each says itself
    (cost,) = told
    assert cost.startswith("--stream: answers are written a token a pass, at most 9 that merge and 171 that read one model: ")
    sizes = [sum(t.nbytes for t in Parents(roots=[ROOT]).model(r).tensors.values()) for r in recipe.opened]
    read = 9 * sum(sizes) + (9 + 48) * sum(sizes)
    assert f": {format_bytes(read)} are read for them" in cost and f"the largest pass reads {format_bytes(sum(sizes))})" in cost


@pytest.mark.parametrize(("options", "words"), [
    (["--stream", "--answer-tokens", "0"], "--answer-tokens 0: 1 to 2,000, please."),
    (["--answer-tokens", "2001"], "--answer-tokens 2001: 1 to 2,000, please."),
    (["--memory", "1GB"], "--memory: is what texts may take on their way through a model that is streamed; write --stream too."),
    (["--stream", "--memory", "1B"], "--memory 1B: write bytes, for example 2GB."),
])  # fmt: skip
def test_what_is_no_bound_is_told(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", str(ROOT / "presets" / "pirate_and_plurals.yaml"), *options]) == 1
    assert words in capsys.readouterr().err


def test_answers_that_are_too_many_are_written_in_several_rounds() -> None:
    """What a batch keeps of its texts is bounded as well; with more room all go together, to the same answers."""
    made: list[str] = []
    prompts = [Plain(f"plural of {word}") for word in ("box", "cat", "dog", "hat", "cup", "pen")]
    said = list[Any]()
    whole = StreamRunner(Parents(roots=[ROOT])).parent(f"{FAMILY}/plural")
    (tokens,) = {len(whole.encode(prompt)) + 4 for prompt in prompts}
    text = tokens * (16 * 128 + 2 * 128 * 6 * 2)  # states, and keys and values of six layers in bfloat16
    for room, passes in ((1, 6), (2 * text, 3), (6 * text, 1)):
        who = StreamRunner(Parents(roots=[ROOT]), made.append, room).parent(f"{FAMILY}/plural")
        who.probed  # noqa: B018
        made.clear()
        assert batch.rounds(who, prompts, 4) == passes
        said.append(batch.generate_ids(who, prompts, 4))
        assert sum(line.endswith(".layers.0") for line in made) == 4 * passes
    assert said[0] == said[1] == said[2] and all(len(ids) == 4 for ids, _ in said[0])
