"""lm-eval on a merge in memory, offline, with local task files; in an environment of its own, since it brings half a gigabyte."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from merger.recipe import load_file
from merger.search.questions import read_questions
from merger.search.trials import read_probes

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".cache/evals/bin/python"
RECIPE = "presets/three_in_one.yaml"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="no lm-eval here: `make evals` fetches it (550 MB)")
TASK = {
    "task": "own_choice", "dataset_path": "json", "test_split": "test", "output_type": "multiple_choice",
    "doc_to_text": "q: {{question}}\na:", "doc_to_target": "answer", "doc_to_choice": "choices",
    "metric_list": [{"metric": "acc"}],
}  # fmt: skip
SAID = TASK | {
    "task": "own_said", "output_type": "generate_until", "doc_to_target": " {{choices[answer]}}", "doc_to_choice": None,
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 24, "do_sample": False},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}  # fmt: skip


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder with two tasks on the plurals that the family is asked; some of the wrong choices are likelier."""
    probes = [p for p in read_probes(ROOT / "presets/probes.json", "score") if p.skill == "plural"][:18]
    with (tmp_path / "docs.jsonl").open("w") as out:
        for i, probe in enumerate(probes):
            word = probe.prompt.split()[-1]
            choices = [probe.answer, f"{word}zz", f"{word[::-1]}s", "dunno"[: 4 + i % 2]]
            choices = choices[i % 3 :] + choices[: i % 3]
            out.write(json.dumps({"question": probe.prompt, "choices": choices, "answer": choices.index(probe.answer)}) + "\n")
    for values in (TASK, SAID):
        own = {k: v for k, v in values.items() if v is not None}
        own["dataset_kwargs"] = {"data_files": {"test": str(tmp_path / "docs.jsonl")}}
        (tmp_path / f"{values['task']}.yaml").write_text(json.dumps(own))
    return tmp_path


def judged(folder: Path, *options: str) -> tuple[int, str, str]:
    """The command in lm-eval's environment, without a network."""
    own = {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "home"),
        "HF_DATASETS_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [PYTHON, "-m", "merger", "judge", *options], cwd=ROOT, env={**os.environ, **own}, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_lm_eval_judges_a_merge_in_memory_as_we_do(tasks: Path, tmp_path: Path) -> None:
    """The same task file, by lm-eval and as a set of questions; and the figures on a card."""
    card = tmp_path / "model"
    card.mkdir()
    code, out, err = judged(
        tmp_path, RECIPE, "--tasks", "own_choice,own_said", "--include-path", str(tasks), "--questions",
        str(tasks / "own_choice.yaml"), "--no-texts", "--json", "--card", str(card),
    )  # fmt: skip
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    by_task = {f["task"]: f for f in found["tasks"]}
    share = next(f["value"] for f in found["figures"] if f["kind"] == "right")
    assert by_task["own_choice"]["value"] == pytest.approx(share) and 0.1 < share < 0.95
    assert by_task["own_choice"]["metric"] == "acc" and by_task["own_choice"]["questions"] == 18
    assert by_task["own_said"]["value"] > 0.5 and found["versions"]["lm_eval"]
    text = (card / "README.md").read_text()
    assert "own_said: exact\\_match" in text or "own_said: exact_match" in text
    assert "lm_eval" in text and not (card / ".eval_results").exists()  # no benchmark of the Hub's
    assert load_file(ROOT / RECIPE) and read_questions(tasks / "own_choice.yaml").plain


def test_a_merge_that_is_streamed_has_the_figures_of_the_one_in_memory(tasks: Path, tmp_path: Path) -> None:
    """Choices and a text's own likelihood go through the layers together; written answers are refused before anything is made."""
    rolling = TASK | {"task": "own_text", "output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_choice": None,
                      "doc_to_target": "{{question}}", "metric_list": [{"metric": "byte_perplexity"}]}  # fmt: skip
    own = {k: v for k, v in rolling.items() if v is not None}
    own["dataset_kwargs"] = {"data_files": {"test": str(tasks / "docs.jsonl")}}
    (tasks / "own_text.yaml").write_text(json.dumps(own))
    asked = (RECIPE, "--include-path", str(tasks), "--no-texts", "--json", "--tasks")
    figures: list[list[dict[str, Any]]] = []
    for more in ((), ("--stream",)):
        code, out, err = judged(tmp_path, *asked, "own_choice,own_text", *more)
        assert code == 0, err
        figures.append(json.loads(out)["tasks"])
    assert len(figures[0]) >= 2
    for one, other in zip(*figures, strict=True):
        assert one["metric"] == other["metric"] and one["value"] == pytest.approx(other["value"], rel=1e-2)
    code, _, err = judged(tmp_path, *asked, "own_choice,own_said", "--stream")
    assert code == 1 and err.strip().splitlines()[-1] == (
        "MergeError: --tasks own_said: wants answers to be written, which --stream does for --questions alone; leave --stream "
        "out, or take tasks with choices."
    )


def test_what_lm_eval_cannot_do_is_told_in_a_sentence(tasks: Path, tmp_path: Path) -> None:
    far = TASK | {"task": "far", "dataset_path": "allenai/ai2_arc", "dataset_kwargs": {}}
    (tasks / "far.yaml").write_text(json.dumps(far))
    code, _, err = judged(tmp_path, RECIPE, "--tasks", "far", "--include-path", str(tasks), "--limit", "2")
    last = err.strip().splitlines()[-1]
    assert code == 1 and last.startswith("MergeError: --tasks far: documents come from the network, which cannot be reached")
    code, _, err = judged(tmp_path, RECIPE, "--tasks", "own_choise", "--include-path", str(tasks))
    last = err.strip().splitlines()[-1]
    assert code == 1 and last == "MergeError: --tasks own_choise: lm-eval has no such task.  Did you mean 'own_choice'?"
