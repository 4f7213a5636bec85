"""Judging a merge: how likely it takes answers to be, what is right, how sure that is, and what a file of questions may hold."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from merger.__main__ import main
from merger.chat.batch import generate_batch
from merger.cli import judge as judge_command
from merger.engine.session import Parents
from merger.errors import Cancelled, MergeError
from merger.findings import Finding
from merger.hub.figures import CardFigure, write_figures
from merger.recipe import Recipe, load, load_file
from merger.search import matching, questions, tasks
from merger.search.babble import Heard, babbling, circles
from merger.search.evals import Evaluated, TaskFigure
from merger.search.figures import Figure, Kind, compare, words
from merger.search.judge import Judge, Measured, Progress, Text, bits, judge_exact, own_text, pieces, shipped_texts
from merger.search.likelihood import Example, answer_logprobs, examples, logprobs, passes
from merger.search.matching import matches
from merger.search.questions import Question, QuestionSet, parse_questions, read_questions, save
from merger.search.trials import Probe, Runner, fewer, read_probes, score
from merger.ui.rows import written as written_rows

ROOT = Path(__file__).parent.parent
PLURAL, PIRATE = "presets/family/plural", "presets/family/pirate"


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(Parents(roots=[ROOT]))


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_file(ROOT / "presets" / "pirate_and_plurals.yaml")


# ---------------------------------------------------------------------------------------------- likelihood


def test_the_likelihood_of_an_answer_is_that_of_its_tokens_one_after_the_other(runner: Runner) -> None:
    """Against a pass for each token alone, with the end token, in a batch of unlike lengths."""
    who = runner.parent(PLURAL)
    prompts, answers = ["plural of box", "plural of cat", "say wow the good hat"], ["boxes", "catses", "no"]
    found = answer_logprobs(who, prompts, answers)
    for prompt, answer, got in zip(prompts, answers, found.tolist(), strict=True):
        ids, total = who.encode(prompt), 0.0
        for token in [*who.plain(" " + answer), who.tokenizer.eos_token_id]:
            with torch.inference_mode():
                total += float(who.forward.whole(ids, 1).float().log_softmax(-1)[0, token])
            ids.append(token)
        assert got == pytest.approx(total, abs=0.15)  # bfloat16
    assert found[0] > -0.5 and found[1] < -3
    assert answer_logprobs(who, prompts[:1], answers[:1], ends=False) > found[0]
    assert answer_logprobs(who, prompts[:1], [who.plain(" boxes")]) == pytest.approx(float(found[0]), abs=0.05)


def test_a_batch_is_cut_where_it_would_take_too_much_memory(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    who = runner.parent(PLURAL)
    asked = examples(who, ["plural of box", "plural of cat"], ["boxes", "cats"])
    whole = logprobs(who, asked)
    assert len(list(passes(who, asked))) == 1
    monkeypatch.setattr(who.forward, "at_once", 1)
    assert len(list(passes(who, asked))) == 2
    assert logprobs(who, asked).tolist() == pytest.approx(whole.tolist(), abs=0.05)
    with pytest.raises(Cancelled):
        logprobs(who, asked, go_on=lambda: False)
    with pytest.raises(MergeError, match="257 tokens long; this model reads at most 256: 'x'"):
        examples(who, ["x"], [[5] * (257 - len(who.encode("x")))])


def test_gradients_of_an_answer_reach_the_parameters(family: Path) -> None:
    """Against the difference that a step of one weight makes, in float32."""
    made = load("{merge_method: linear, models: [{model: a}, {model: b}], parameters: {weight: 0.5}}")
    who = Runner(Parents(roots=[family])).merged(made)
    weight = next(p for n, p in who.module.named_parameters() if n.endswith("layers.3.mlp.down_proj.weight"))
    asked = examples(who, ["one", "two"], ["ten", "a"])
    weight.requires_grad_(True)
    try:
        logprobs(who, asked).sum().backward()
        assert weight.grad is not None
        at = int(weight.grad.abs().argmax())
        slope = float(weight.grad.flatten()[at])
    finally:
        weight.requires_grad_(False)
        weight.grad = None
    values = []
    for step in (0.02, -0.04):
        weight.data.view(-1)[at] += step
        values.append(float(logprobs(who, asked).sum()))
    assert abs(slope) > 0.001 and (values[0] - values[1]) / 0.04 == pytest.approx(slope, rel=0.05)


def test_a_pass_hits_where_generating_says_the_same(runner: Runner) -> None:
    who = runner.parent(PLURAL)
    prompts = ["plural of box", "plural of cat", "plural of baby"]
    said = generate_batch(who, prompts)
    asked = [*examples(who, prompts, [text.strip() for text in said]), Example(tuple(who.encode("plural of cat")), (5, 6))]
    hits = torch.zeros(4)
    for one in passes(who, asked):
        hits[list(one.places)] = (one.each((~one.hits()).float()) == 0).float()
    assert hits.tolist() == [1, 1, 1, 0]


# ---------------------------------------------------------------------------------------------- files of questions


EVERY = QuestionSet(
    "mine",
    (
        Question("plural of box", "boxes"),
        Question("say yes", 'aye, "sir"', "within", "sea talk"),
        Question("say no; or not", r"n(o|ay)\.?", "pattern", "sea talk"),
        Question("plural of baby", "babies", "choice", "sea talk", ("babies", "babys")),
        Question("hello", "", "parent", "sea talk"),
    ),
)


@pytest.mark.parametrize("kind", ["txt", "csv", "tsv", "jsonl", "json"])
def test_a_set_is_saved_and_opened_again(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"mine.{kind}"
    save(EVERY, file)
    assert read_questions(file) == EVERY
    assert len(read_questions(file, limit=1).questions) == 2


def test_what_a_line_or_a_file_cannot_hold_is_told(tmp_path: Path) -> None:
    for prompt in ("two\nlines", "a => b", "# hash", "[head]"):
        with pytest.raises(MergeError, match=r"does not fit into a line; save it as \.jsonl"):
            save(QuestionSet("x", (Question(prompt, "", "parent"),)), tmp_path / "x.txt")
        save(QuestionSet("x", (Question(prompt, "b"),)), tmp_path / "x.jsonl")
        assert read_questions(tmp_path / "x.jsonl").questions == (Question(prompt, "b"),)
    with pytest.raises(MergeError, match=r"questions are saved as txt, csv, tsv, jsonl, json"):
        save(EVERY, tmp_path / "x.xml")


def test_the_desks_files_are_question_sets() -> None:
    """What the page's prompts are saved as, with its ticks and without its own columns."""
    csv = 'prompt,answer,match,ticked\n"plural of box","boxes","exact","true"\n'
    csv += '"say ""aye""","aye","within","true"\n"x","y","exact","false"\n'
    assert parse_questions(csv, "x.csv").questions == (
        Question("plural of box", "boxes"), Question('say "aye"', "aye", "within"),
    )  # fmt: skip
    lines = '{"prompt": "hello", "answer": "", "match": "", "ticked": true}\n{"prompt": "n", "answer": 7}\n'
    assert parse_questions(lines, "x.jsonl").questions == (Question("hello", "", "parent"), Question("n", "7"))
    assert parse_questions("a;b\nc;d\n", "x.csv").questions == (Question("a", "b"), Question("c", "d"))
    assert [row.shown["match"] for row in written_rows(["plural of box => boxes", "a ~> b", "hello"])] == ["exact", "within", ""]
    old = parse_questions((ROOT / "presets/probes.json").read_text(), "probes.json")
    assert set(old.skills) == {"pirate", "plural", "spell", "count", "mirror", "story"}
    assert old.questions[0].prompt == read_probes(ROOT / "presets/probes.json", "score")[0].prompt


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("q.txt", "", "q.txt: holds no questions; write `prompt => answer`"),
        ("q.txt", "a => ", "q.txt, line 1: the answer is empty; write one, or the prompt alone for what the parents say."),
        ("q.txt", "ok => yes\n => b", "q.txt, line 2: the prompt is empty"),
        ("q.txt", "a /> (", r"q.txt, line 1: '(' is no regular expression"),
        ("q.txt", "a ?> b", "q.txt, line 1: has 1 choices; 2 to 32 different ones, please."),
        ("q.txt", "a ?> " + " | ".join(map(str, range(33))), "has 33 choices"),
        ("q.txt", "a => " + "b" * 20_001, "has 20,001 characters; a prompt or an answer has at most 20,000."),
        ("q.csv", "prompt,answer,match\na,,exact", "q.csv, line 2: the answer is empty"),
        ("q.csv", 'prompt,answer\n"a,b', "q.csv, line 2: this is not CSV"),
        ("q.csv", "prompt,answer\na,b,c", "q.csv, line 2: has 3 columns, the head 2; quote what holds a ','."),
        (
            "q.csv",
            "prompt,answer,match\na,b,exakt",
            "q.csv, line 2: 'exakt' is no match; write exact, within, pattern, choice, parent.",
        ),
        ("q.jsonl", "{", "q.jsonl, line 1: this is not JSON"),
        ("q.jsonl", '{"question": "a"}', "q.jsonl: holds no questions"),
        ("q.jsonl", '{"prompt": "a"}\n{"question": "a"}', "q.jsonl, line 2: a question has a `prompt`, which is a text."),
        ("q.jsonl", '{"prompt": "a", "answer": ["b"]}', "q.jsonl, question 1: the answer must be a text."),
        ("q.json", '{"prompt": "a", "answer": "z", "choices": ["b", "c"]}', "'z' is none of its choices."),
        ("q.json", "[" * 100_000, "q.json, line 1: this is not JSON"),
    ],
)
def test_what_is_no_question_is_told(name: str, text: str, words: str) -> None:
    with pytest.raises(MergeError) as told:
        parse_questions(text, name)
    assert words in str(told.value) and len(str(told.value).splitlines()) == 1


def test_too_many_questions(tmp_path: Path) -> None:
    text = "".join(f"what is {i} => {i}\n" for i in range(10_000))
    with pytest.raises(MergeError, match=r"^q.txt: holds 10,000 questions; at most 2,000 are judged\.$"):
        parse_questions(text, "q.txt")
    file = task(tmp_path, doc_to_text="n", doc_to_target="n", doc_to_choice=["0", "1"], output_type="generate_until")
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps({"n": str(i)}) + "\n" for i in range(2001)))
    with pytest.raises(MergeError, match="holds more than 2,000 documents; at most 2,000 are judged"):
        read_questions(file)


def test_a_file_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "QUESTIONS_BYTES", 10)
    (tmp_path / "q.txt").write_text("a => bbbbbbbbbbbbb")
    with pytest.raises(MergeError, match=r"q.txt: has 18 bytes; a file of questions has at most 10"):
        read_questions(tmp_path / "q.txt")
    with pytest.raises(MergeError, match=r"none.txt: cannot be read as questions: No such file"):
        read_questions(tmp_path / "none.txt")


# ---------------------------------------------------------------------------------------------- lm-eval's task files


def task(folder: Path, **keys: Any) -> Path:
    """A task's file with some of its keys changed, None: left out, and two documents."""
    values = {
        "task": "own", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": "docs.jsonl"}}, "test_split": "test",
        "output_type": "multiple_choice", "doc_to_text": "Q: {{question | trim}}\nA:", "doc_to_target": "answer",
        "doc_to_choice": "{{choices}}", "metric_list": [{"metric": "acc"}],
    }  # fmt: skip
    values = {key: value for key, value in (values | keys).items() if value is not None}
    (folder / "task.yaml").write_text(json.dumps(values))
    documents = [
        {"question": " plural of box ", "answer": 1, "choices": ["boxs", "boxes"]},
        {"question": "plural of cat", "answer": 0, "choices": ["cats", "catses"]},
    ]
    (folder / "docs.jsonl").write_text("".join(json.dumps(one) + "\n" for one in documents))
    return folder / "task.yaml"


def test_a_local_task_is_a_question_set(tmp_path: Path) -> None:
    wanted = (
        Question("Q: plural of box\nA:", "boxes", "choice", "own", ("boxs", "boxes")),
        Question("Q: plural of cat\nA:", "cats", "choice", "own", ("cats", "catses")),
    )
    assert read_questions(task(tmp_path)) == QuestionSet("own", wanted, plain=True)
    by_text = task(tmp_path, doc_to_target="{{choices[answer]}}", dataset_kwargs={"data_files": "docs.jsonl"})
    assert read_questions(by_text).questions == wanted
    said = task(tmp_path, output_type="generate_until", doc_to_target="{{choices[answer]}}", description="Answer.\n")
    assert read_questions(said).questions[0] == Question("Answer.\nQ: plural of box\nA:", "boxes", "exact", "own")
    (tmp_path / "docs.csv").write_text('q,a\n"one, two",yes\n')
    table = task(tmp_path, dataset_path="csv", dataset_kwargs={"data_files": "docs.csv"}, doc_to_text="q", doc_to_target="{{a}}",
                 doc_to_choice=["no", "yes"])  # fmt: skip
    assert read_questions(table).questions == (Question("one, two", "yes", "choice", "own", ("no", "yes")),)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"dataset_path": "allenai/ai2_arc"}, "its documents come from the network (`dataset_path: allenai/ai2_arc`)"),
        ({"dataset_kwargs": {"data_files": "https://x.org/a.json"}}, "'https://x.org/a.json' is no local file"),
        ({"dataset_kwargs": {"data_files": "hf://datasets/x/a.json"}}, "is no local file"),
        ({"dataset_kwargs": {"data_files": {"train": "docs.jsonl"}}}, "its data_files have no 'test', the split that is scored"),
        ({"dataset_kwargs": {}}, "dataset_kwargs must name local data_files"),
        ({"dataset_kwargs": {"data_files": "none.jsonl"}}, "none.jsonl cannot be read: No such file"),
        ({"num_fewshot": 3}, "shows examples first (`num_fewshot`); ask lm-eval itself: --tasks task --include-path"),
        ({"process_docs": "!function x.y"}, "runs code of its own (x.y"),
        ({"include": "other.yaml"}, "it includes another file (`include`)"),
        ({"output_type": "loglikelihood_rolling"}, "`output_type` is 'loglikelihood_rolling'; here it may be"),
        ({"doc_to_choice": None}, "a task of multiple choice needs `doc_to_choice`"),
        ({"doc_to_text": None}, "is no task of lm-eval"),
        ({"doc_to_text": "{{nothing}}"}, "document 1, `doc_to_text`, line 1: it cannot be rendered: 'nothing' is undefined"),
        ({"doc_to_text": "{{question"}, "document 1, `doc_to_text`, line 1: this is not Jinja"),
        ({"doc_to_text": "{{question.__class__.__mro__}}"}, "is unsafe"),
        ({"doc_to_choice": "{{question}}"}, "`doc_to_choice` gives no list of choices"),
        ({"doc_to_target": "{{9}}"}, "`doc_to_target` gives '9', which is none of its choices"),
        ({"output_type": "generate_until", "doc_to_target": "{{''}}"}, "document 1: the answer is empty"),
    ],
)  # fmt: skip
def test_a_task_that_a_file_cannot_hold_is_told(keys: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(MergeError) as told:
        read_questions(task(tmp_path, **keys))
    assert words in str(told.value) and len(str(told.value).splitlines()) == 1


def test_a_hostile_task_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One template that never ends, and many that are slow together."""
    loop = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    started = time.monotonic()
    with pytest.raises(MergeError, match=r"document 1, `doc_to_text` takes longer than 2 seconds, and was stopped"):
        read_questions(task(tmp_path, doc_to_text=loop))
    assert time.monotonic() - started < 25
    monkeypatch.setattr(tasks, "QUESTIONS_SECONDS", -1)
    with pytest.raises(MergeError, match=r"its templates take longer than -1 seconds"):
        read_questions(task(tmp_path))


# ---------------------------------------------------------------------------------------------- right and wrong


def test_a_hostile_pattern_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert matches([("a+", "aaa "), ("a", "b"), ("[a-z]{3}", "xyz")]) == [True, False, True]
    assert matches([]) == []
    started = time.monotonic()
    with pytest.raises(MergeError, match=r"the pattern '\(a\+\)\+b' takes more than 2 seconds"):
        matches([("x", "x"), ("(a+)+b", "a" * 40)])
    assert time.monotonic() - started < 30
    monkeypatch.setattr(matching, "MATCHING_MEMORY", 100_000_000)
    with pytest.raises(MergeError, match="takes more than 2 seconds or 100 MB"):
        matches([("(?:(a)|b)*", "a" * 5_000_000)])


@pytest.mark.parametrize("name", ["pirate_and_plurals", "too_much_of_both"])
def test_one_pass_judges_as_generating_does(name: str, runner: Runner) -> None:
    """All of a merge's exact answers, and some that are right in another case, or with other blanks."""
    probes = fewer([p for p in read_probes(ROOT / "presets/probes.json") if p.match == "exact"], 12)
    probes = (
        *probes,
        Probe("x", "plural of box", "  BoXes"),
        Probe("x", "plural of cat", "cat s"),
        Probe("x", "plural of cat", "cat"),
    )
    who = runner.merged(load_file(ROOT / "presets" / f"{name}.yaml"))
    generated = [a.right for a in score(who, probes).answers]
    judged = judge_exact(who, [p.prompt for p in probes], [p.answer for p in probes])
    assert [right for right, _ in judged] == generated
    assert any(generated) == (name != "too_much_of_both")
    assert all(loss > 0 for _, loss in judged)


def test_every_kind_of_question_is_judged(runner: Runner) -> None:
    asked = QuestionSet("x", (
        Question("plural of box", "boxes", "exact", "p"), Question("plural of cat", "catz", "exact", "p"),
        Question("plural of baby", "babies", "choice", "c", ("babies", "xyzzy")),
        Question("plural of baby", "xyzzy", "choice", "c", ("babies", "xyzzy")),
        Question("plural of fox", "fox", "within", "o"), Question("plural of dog", r"d\w+s", "pattern", "o"),
        Question("plural of dog", r"d\w+z", "pattern", "o"), Question("hello", "", "parent", "o"),
    ))  # fmt: skip
    told: list[Progress] = []
    judge = Judge(runner, asked, parents=(PLURAL,))
    found = judge.measure(PLURAL, progress=told.append)
    assert found.right == (True, False, True, False, True, True, False, None)
    assert found.figures["right", "p"].value == 0.5 and found.figures["right", "all"].value == pytest.approx(
        (0.5 + 0.5 + 2 / 3) / 3
    )
    assert [p.what for p in told] == ["answers", PLURAL]
    assert judge.measure(PLURAL) is found  # remembered
    with pytest.raises(Cancelled):
        judge.measure(PIRATE, go_on=lambda: False)


def test_what_the_parent_says_needs_no_labels(runner: Runner, recipe: Recipe) -> None:
    """A parent is like itself; another is not; the merge of both is like each on its own prompts."""
    prompts = ("plural of box", "plural of cat")
    judge = Judge(runner, QuestionSet("x", tuple(Question(p, "", "parent") for p in prompts)), parents=(PLURAL,))
    own, other, merged = judge.measure(PLURAL), judge.measure(PIRATE), judge.measure(recipe)
    assert own.figures["kl", PLURAL].value == 0 and own.figures["agree", PLURAL].value == own.figures["same", PLURAL].value == 1
    assert other.figures["same", PLURAL].value == 0 and other.figures["kl", PLURAL].value > 0.3
    assert merged.figures["same", PLURAL].value == 1 and 0 < merged.figures["kl", PLURAL].value < 0.1
    assert other.figures["nll", f"what {PLURAL} says"].value > 2 > merged.figures["nll", f"what {PLURAL} says"].value
    assert ("right", "all") not in own.figures
    asked = judge.own_answers(PLURAL)
    ids, many = [*asked.prompts[0], *asked.answers[0][0]], len(asked.answers[0][0]) + 1
    theirs, mine = (runner.parent(who).forward.whole(ids, many).float().log_softmax(-1) for who in (PLURAL, PIRATE))
    apart = float((theirs.exp() * (theirs - mine)).sum(-1).mean())
    assert other.figures["kl", PLURAL].parts[0] == pytest.approx(apart, rel=0.1)
    assert float((mine.exp() * (mine - theirs)).sum(-1).mean()) != pytest.approx(apart, rel=0.2)  # the other way round


def test_other_vocabularies_are_not_compared(family: Path) -> None:
    runner = Runner(Parents(roots=[ROOT, family]))
    judge = Judge(runner, QuestionSet("x", (Question("one", "ten"),)), parents=(PLURAL,))
    found = judge.measure("a")
    assert ("right", "all") in found.figures and ("kl", PLURAL) not in found.figures


# ---------------------------------------------------------------------------------------------- intervals


def figure(parts: Sequence[float], kind: Kind = "right") -> Figure:
    return Figure(kind, "x", tuple(parts), (1.0,) * len(parts))


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Two models that are right in 60 and 70 of 100 cases, on 80 questions, three times of four on the same."""
    chance, held, n = torch.Generator().manual_seed(1), 0, 80
    for _ in range(200):
        drawn = torch.rand(n, 3, generator=chance)
        same = drawn[:, 2] < 0.75
        a = (drawn[:, 0] < 0.7).float()
        b = torch.where(same, (drawn[:, 0] < 0.6).float(), (drawn[:, 1] < 0.6).float())
        found = compare(figure(a.tolist()), figure(b.tolist()), draws=400)
        assert found is not None
        held += found.low <= 0.1 <= found.high
    assert 180 <= held <= 198


def test_a_difference_may_be_chance() -> None:
    many = compare(figure([1] * 30 + [0] * 10), figure([0] * 30 + [0] * 10))
    assert many is not None and many.better and not many.chance and words(many) == "+75 ± 12 points"
    assert many == compare(figure([1] * 30 + [0] * 10), figure([0] * 30 + [0] * 10))
    wild = figure([0.1 * i * i for i in range(20)], "nll"), figure([0.0] * 20, "nll")
    assert compare(*wild) == compare(*wild, seed=0) != compare(*wild, seed=1)
    few = compare(figure([1] * 5), figure([0] * 5))  # all five are better; so would a coin be in one of sixteen cases
    assert few is not None and few.chance and words(few) == "+100 ± 0 points; may be chance"
    even = compare(figure([1, 0] * 10), figure([0, 1] * 10))
    assert even is not None and even.chance and even.difference == 0
    assert compare(figure([1] * 5), figure([1] * 6)) is None and compare(figure([1.0]), figure([1.0], "nll")) is None
    lower = compare(figure([1.0] * 9, "nll"), figure([2.0] * 9, "nll"))
    assert lower is not None and lower.better and words(lower) == "-1.00 ± 0.00 nats"


# ---------------------------------------------------------------------------------------------- texts


def test_bits_per_byte_are_those_of_every_token(family: Path) -> None:
    who = Runner(Parents(roots=[family])).parent("a")
    text = own_text_of("a line of text\n" * 60)
    found, spent = bits(who, text), 0.0
    assert len(text.pieces) == 2 and sum(found.sizes) == pytest.approx(898) and len(found.parts) == 8
    for piece in text.pieces:
        ids = who.plain(piece)
        for start in range(0, len(ids), who.length - 1):
            part = ids[start : start + who.length - 1]
            rows = who.forward.whole([who.tokenizer.bos_token_id, *part[:-1]], len(part)).log_softmax(-1)
            spent -= float(rows[range(len(part)), part].sum()) / math.log(2)
    first = bits(who, Text("x", text.pieces[:1]))  # each piece by itself
    assert found.parts[:5] == pytest.approx(first.parts, rel=1e-4)
    assert sum(found.parts) == pytest.approx(spent, rel=1e-4) and found.value == pytest.approx(spent / 898, rel=0.01)


def own_text_of(text: str) -> Text:
    return Text("x", pieces(text))


def test_texts_are_bounded(tmp_path: Path) -> None:
    assert [(t.name, len(t.pieces) >= 2) for t in shipped_texts()] == [
        (name, True) for name in ("prose", "code", "mathematics", "chat")
    ]
    file = tmp_path / "t.txt"
    for content, told in (("", "is empty"), ("x" * 500_001, "has 500,001 characters; of a text at most 500,000")):
        file.write_text(content)
        with pytest.raises(MergeError, match=told):
            own_text(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(MergeError, match=r"t.txt: cannot be read as a text: not text\."):
        own_text(file)


# ---------------------------------------------------------------------------------------------- babble


def said(text: str, ended: bool = True, certainty: float = 0.9, tokens: int = 96) -> Heard:
    return Heard("p", text, tokens, ended, certainty)


def test_babble_is_noticed_with_its_cause() -> None:
    fine, circle = said("a cat sat on the mat."), said("no no no no no no no no no no no", ended=False)
    assert babbling([fine, fine, fine]) is None and babbling([]) is None and babbling([fine, fine, fine, circle]) is None
    found = babbling([circle, fine])
    assert found is not None and found.words == "It babbles: 50% of its answers repeat themselves, 50% do not end."
    assert found.fix.startswith("Likely it went too far from its base: lower the weights")
    far = Finding("warning", "the deltas are added 6 times over.", "Write `lambda: 0.17`.", kind="too far")
    other = Finding("warning", "x contributes nothing.", "Leave it out.", kind="silent")
    named = babbling([circle, fine], [other, far])
    assert named is not None and named.fix == "Likely because the deltas are added 6 times over. Write `lambda: 0.17`."
    same = babbling([circle, fine], (), [circle, circle])
    assert same is not None and "do so as well" in same.fix
    endless = babbling([said("a long text that goes on and on", ended=False)] * 3)
    assert endless is not None and "The token that ends an answer is likely lost" in endless.fix
    short = said("cut before the limit", ended=False, tokens=12)
    assert babbling([short] * 3) is None
    unsure = babbling([said("uh", certainty=0.2)])
    assert unsure is not None and "hardly sure of any word (mean probability 0.20)" in unsure.words
    less = babbling([said("uh", certainty=0.6)], (), [said("ah", certainty=0.95)])
    assert less is not None and "much less sure of its words than the models it is made of (0.60, they 0.95)" in less.words
    assert babbling([said("uh", certainty=0.6)], (), [said("ah", certainty=0.7)]) is None
    alone = babbling([circle], merged=False)
    assert alone is not None and alone.fix == "Let `merger doctor` look at its folder."


def test_circles() -> None:
    assert circles("ha" * 20) and circles("x" * 24) and circles("one two three four five six seven eight " * 4)
    assert circles("yes no no yes yes no yes no no no yes no yes yes no no yes yes yes no no yes no yes no no yes yes no yes")
    assert (
        not circles("x" * 20) and not circles("b-o-x") and not circles("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22")
    )
    assert not any(circles(piece) for text in shipped_texts() for piece in text.pieces)


# ---------------------------------------------------------------------------------------------- the command


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.txt"
    file.write_text(
        "# name: my set\n[plural]\nplural of box => boxes\nplural of cat => cats\n[sea]\nsay yes like a pirate ~> aye\n"
    )
    return file


def test_the_command_prints_a_table(mine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    babbling_ = "presets/too_much_of_both.yaml"
    assert main(["judge", babbling_, "--questions", str(mine), "--no-texts", "--against", "presets/pirate_and_plurals.yaml"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith(f"{babbling_}: 3 questions of my set, seed 0, ") and not err
    assert lines[1:5] == [
        "  [1] presets/family/base",
        f"  [2] {PIRATE}",
        f"  [3] {PLURAL}",
        "  [4] presets/pirate_and_plurals.yaml",
    ]
    row = next(line for line in lines if line.startswith("right plural"))
    assert row.split()[2:4] == ["0", "%"] and row.endswith("100 % (-100 ± 0?)")
    assert "It babbles: " in lines[-1] and "Write `lambda: 0.17`" in lines[-1]


def test_the_command_judges_a_folder_as_json(
    mine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    text = mine.with_name("own.txt")
    text.write_text("plural of box: boxes.")
    command = ["judge", PLURAL, "--questions", str(mine), "--texts", str(text), "--against", PIRATE, "--json", "--limit", "1"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    figures = {(f["kind"], f["of"]): f for f in found["figures"]}
    assert figures["right", "plural"]["value"] == 1 and figures["right", "plural"]["against"][PIRATE]["value"] == 0
    gap = figures["right", "plural"]["against"][PIRATE]["gap"]
    assert gap["difference"] == 1 and gap["may_be_chance"] and gap["words"] == "+100 ± 0 points; may be chance"
    assert figures["bits", "own.txt"]["value"] > 0 and found["questions"] == {"name": "my set", "count": 2}
    assert found["versions"]["merge-explorer"] and found["date"].endswith("Z") and found["babble"] is None


def test_figures_of_tasks_alone_are_told() -> None:
    """Where lm-eval alone is asked nothing else was measured."""
    tasks_alone = Evaluated((TaskFigure("arc_easy", "acc", 0.5, 0.1, 20, "1"),), "0.4.9")
    found = judge_command.Judged(judge_command.Asked(PLURAL, PLURAL), None, {}, tasks=tasks_alone)
    told = json.loads(judge_command.as_json(found))
    assert (told["figures"], told["answers"], told["right"]) == ([], [], []) and told["tasks"][0]["value"] == 0.5
    assert "arc_easy, acc: 0.5000" in judge_command.table(found)
    assert [figure.value for figure in judge_command.card_figures(found)] == [0.5]


def test_the_command_refuses_in_one_line_and_stops_cleanly(
    mine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for options, told in (
        (["--no-texts"], "nothing to judge by: give --questions, --texts or --tasks."),
        (["--questions", "none.txt"], "none.txt: cannot be read as questions"),
        (["--questions", str(mine), "--card", "nowhere"], "--card nowhere: is no folder"),
        (["--include-path", "."], "--include-path: names where --tasks are; write --tasks NAME too."),
        (["--limit", "0"], "--limit 0: at least 1, please."),
        (["--tasks", "x", "--include-path", "none"], "lm-eval is not installed: pip install"),
    ):
        assert main(["judge", PLURAL, *options]) == 1
        err = capsys.readouterr().err
        assert told in err and len(err.splitlines()) == 1

    def stopped(*_: object, **__: object) -> Measured:
        raise KeyboardInterrupt

    monkeypatch.setattr(Judge, "measure", stopped)
    assert main(["judge", PLURAL, "--questions", str(mine)]) == 130
    out, err = capsys.readouterr()
    assert not out and err == "\nStopped; nothing was written.\n"


# ---------------------------------------------------------------------------------------------- on the card


FACTS = {"date": "2026-01-02T03:04:05Z", "torch": "2.0", "seed": "0"}
SHARE = CardFigure("share right", "accuracy", 0.75, 'against b: "+4 ± 3" | <b>', 40, 'my "set"\n')
ARC = CardFigure("acc (version 1.0)", "accuracy", 0.5, "standard error 0.0100", 100, "arc_easy", "allenai/ai2_arc", "ARC-Easy")


def test_figures_stand_on_the_card_as_the_hub_reads_them(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text("---\nlicense: mit\ntags:\n  - merge\n---\n\n# Mine\n\nText.\n\n## Recipe\n\n```yaml\nx: 1\n```\n")
    assert write_figures(tmp_path, [SHARE, ARC], FACTS) == [card, tmp_path / ".eval_results/merge-explorer.yaml"]
    first = card.read_text()
    write_figures(tmp_path, [SHARE, ARC], FACTS)  # once more: over the old ones
    assert card.read_text() == first and first.count("## Figures") == first.count("model-index") == 1
    found = ModelCard(first, ignore_metadata_errors=False)
    assert (
        found.data.license == "mit"
        and "## Recipe" in found.text
        and found.text.index("## Figures") < found.text.index("## Recipe")
    )
    results = found.data.eval_results or []
    assert [(r.dataset_name, r.metric_type, r.metric_value) for r in results] == [
        ('my "set"\n', "accuracy", 0.75), ("arc_easy", "accuracy", 0.5),
    ]  # fmt: skip
    assert results[1].dataset_type == "allenai/ai2_arc" and results[1].dataset_config == "ARC-Easy"
    assert results[0].dataset_args == {"questions": 40, **FACTS}
    assert '| my "set" : share right | 0.75 | 40 | against b: "+4 ± 3" \\| &lt;b> |' in first
    entries = parse_eval_result_entries(yaml.safe_load((tmp_path / ".eval_results/merge-explorer.yaml").read_text()))
    assert [(e.dataset_id, e.task_id, e.value, e.date) for e in entries] == [("allenai/ai2_arc", "ARC-Easy", 0.5, FACTS["date"])]
    assert "100 questions" in str(entries[0].notes) and "seed 0" in str(entries[0].notes)
    write_figures(tmp_path, [SHARE], FACTS)
    assert not (tmp_path / ".eval_results/merge-explorer.yaml").exists() and "arc_easy" not in card.read_text()
    with pytest.raises(MergeError, match="is no folder"):
        write_figures(tmp_path / "none", [SHARE], FACTS)


def test_a_folder_without_a_card_gets_one(tmp_path: Path, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    out = tmp_path / "merged"
    out.mkdir()
    assert main(["judge", PLURAL, "--questions", str(mine), "--no-texts", "--against", PIRATE, "--card", str(out)]) == 0
    found = ModelCard.load(out / "README.md")
    results = {r.metric_name: r for r in found.data.eval_results or []}
    assert results["share right, plural"].metric_value == 1 and results["share right"].dataset_name == "my set"
    assert "against pirate: +100 ± 0 points; may be chance" in found.text and "merge-explorer" in found.text
