"""The page without a browser: the workspace's edits, the Mixer's numbers, the studio's answers, the app's wiring."""

import base64
import json
import pickle
import random
import shutil
import subprocess
import threading
import zlib
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
import torch
from safetensors.torch import load_file, save_file

from merger.__main__ import _parser
from merger.chat.model import Plain
from merger.engine.session import Session
from merger.errors import MergeError, RecipeError
from merger.limits import LINK_CHARACTERS, UNDO_STEPS
from merger.methods import METHODS
from merger.recipe import Recipe, dump, load
from merger.ui import Panels, build_app, lanes, workspace
from merger.ui.desk import WAYS
from merger.ui.host import Host, gpu_tokens
from merger.ui.panels.mixer import FIXES
from merger.ui.rows import Row
from merger.ui.service.answers import Answers
from merger.ui.service.files import Files
from merger.ui.service.strip import Strip
from merger.ui.studio import Manner, Studio, Visit
from merger.ui.turns import Turns

ROOT = Path(__file__).parent.parent
Q = "model.layers.0.self_attn.q_proj.weight"
PIRATE, PLURAL, STORY = (f"presets/family/{name}" for name in ("pirate", "plural", "story"))


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(ROOT / "presets")


def new_workspace(studio: Studio, method: str = "ties", chosen: tuple[str, ...] = (PIRATE, PLURAL)) -> workspace.Workspace:
    work = workspace.start(studio.presets[0], studio.base, studio.parents_of_family)
    return workspace.with_method(workspace.with_models(work, chosen), method)


def test_presets_are_valid_and_plan(studio):
    assert len(studio.presets) >= 6
    for preset in studio.presets:
        assert preset.prompt and preset.says
        assert studio.plan(preset.recipe).jobs


@pytest.mark.parametrize("method", [m.name for m in METHODS.values()])
def test_every_method_can_be_chosen_and_left(studio, method):
    if METHODS[method].models[0] > 2:
        work = new_workspace(studio, "ties", (PIRATE, PLURAL, STORY))
    elif METHODS[method].models[1] == 1:
        work = new_workspace(studio, "ties", (PIRATE,))
    else:
        work = new_workspace(studio)
    there = workspace.with_method(work, method)
    assert there.recipe.merge_method == method
    value, board = lanes.describe(studio.plan(there.recipe))
    assert [lane["path"] for lane in board["lanes"]] == list(value["lanes"])
    assert all(len(v) == len(board["columns"]) for v in value["lanes"].values())
    back = workspace.with_method(there, "ties")
    assert back.recipe == work.recipe


def test_a_method_without_faders_says_so(studio):
    _, board = lanes.describe(studio.plan(new_workspace(studio, "sce").recipe))
    assert board["locked"] and board["note"].startswith("sce decides by itself")


def test_settings_survive_a_method_that_ignores_them(studio):
    work = workspace.with_control(new_workspace(studio), "models[0].parameters.density", 0.25)
    work = workspace.with_method(workspace.with_method(work, "slerp"), "linear")
    assert "density" not in dump(work.recipe)
    assert dict(workspace.with_method(work, "ties").recipe.models[0].parameters)["density"].at("", 0, 0) == 0.25


def test_painted_curves_are_what_the_plan_resolves(studio):
    """What is drawn is what mergekit would do with the file: columns -> YAML -> resolved numbers -> columns."""
    work = new_workspace(studio)
    plan = studio.plan(work.recipe)
    grid = lanes.columns(plan)
    path = "models[1].parameters.weight"
    wanted = [round(0.07 * i + 0.1, 4) for i in range(len(grid.columns))]
    recipe = lanes.painted(plan, {path: wanted})
    again = studio.plan(load(dump(recipe)))
    shown, mixed = lanes.values(again, lanes.lanes(again), lanes.columns(again))
    assert shown[path] == wanted and not mixed
    assert [c.kind for c in grid.columns] == ["embed"] + ["layer"] * 6 + ["norm"]


def test_flat_paint_is_one_number_and_edges_are_rules(studio):
    plan = studio.plan(new_workspace(studio).recipe)
    path = "models[0].parameters.weight"
    flat = lanes.painted(plan, {path: [0.3] * 8})
    assert "weight: 0.3" in dump(flat)
    edge = lanes.painted(plan, {path: [0.9] + [0.3] * 7})
    assert dict(edge.models[0].parameters)["weight"].rules == (("model.embed_tokens.weight", 0.9), (None, 0.3))


@pytest.mark.parametrize(
    ("lane", "numbers", "message"),
    [
        ("models[0].parameters.weight", [0.1], "needs one number for each of 8 columns"),
        ("models[0].parameters.weight", ["x"] * 8, "only numbers can be painted"),
        ("models[0].parameters.weight", [float("nan")] * 8, "only numbers can be painted"),
        ("models[0].parameters.density", [1.5] * 8, "must be a number from 0 to 1; got 1.5"),
        ("models[9].parameters.weight", [0.1] * 8, "is not a lane of this recipe"),
        ("base_model", [0.1] * 8, "is not a lane of this recipe"),
    ],
)
def test_the_browser_is_not_believed(studio, lane, numbers, message):
    with pytest.raises(RecipeError, match=message.replace("[", r"\[")):
        lanes.painted(studio.plan(new_workspace(studio).recipe), {lane: numbers})


def test_models_are_refused_readably(studio):
    with pytest.raises(RecipeError, match="choose at least one model"):
        workspace.with_models(new_workspace(studio), ())
    with pytest.raises(RecipeError, match="needs 2 models; choose 1 more"):
        workspace.with_method(new_workspace(studio, "linear", (PIRATE,)), "slerp")


def everything(studio: Studio, work: workspace.Workspace, prompt: str, visit: Visit | None = None) -> dict[str, str]:
    """All feeds of an answer put together as the panel does."""
    texts: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    last = 0
    for feed in Answers(studio).answer(work, prompt, visit or Visit()):
        assert feed["seq"] == last + 1
        last = feed["seq"]
        json.dumps(feed)  # it goes over the wire
        for key, text, *_ in feed["add"]:
            texts.setdefault(key, []).append(text)
        for key, tokens in feed["full"].items():
            texts[key] = [t[0] for t in tokens]
        errors |= feed.get("error", {})
    return {k: "".join(v).strip() for k, v in texts.items()} | {f"error {k}": v for k, v in errors.items()}


def test_the_merge_does_what_neither_parent_does_alone(studio):
    work = workspace.start(studio.presets[0], studio.base, studio.parents_of_family)
    pirate = everything(studio, work, "say hello my friend like a pirate")
    plural = everything(studio, work, "plural of box")
    assert pirate[PIRATE] == pirate["merge"] == "ahoy me matey, arr!"
    assert plural[PLURAL] == plural["merge"] == "boxes"
    assert pirate[PLURAL] == plural[PIRATE] == pirate[studio.base] == "dunno."


def test_answers_come_from_the_visitors_own_recipe(studio):
    """One merged model serves everybody: after another visitor's recipe, mine is heard again, to the letter."""
    mine, other = new_workspace(studio, "task_arithmetic"), new_workspace(studio, "linear", (STORY,))
    prompt = "plural of fox"
    first = everything(studio, mine, prompt)["merge"]
    studio.answered.clear()
    between = everything(studio, other, prompt)["merge"]
    studio.answered.clear()
    assert everything(studio, mine, prompt)["merge"] == first != between
    fresh = Session(studio.parents)
    fresh.apply(mine.recipe)
    assert all((studio.voices.session.tensors[n] == t).all() for n, t in fresh.tensors.items())


def test_a_newer_run_ends_an_older_answer(studio):
    work, visit = new_workspace(studio), Visit()
    stream = Answers(studio).answer(work, "tell me a story about a fox and some more", visit)
    next(stream)
    visit.run += 1
    assert list(stream) == []


def test_stop_keeps_what_was_said(studio):
    work, visit = new_workspace(studio, chosen=(STORY,)), Visit()
    stream = Answers(studio).answer(work, "tell me a story about an otter", visit)
    feeds = [next(stream) for _ in range(3)]
    visit.stopped = visit.run
    feeds += list(stream)
    assert set(feeds[-1]["state"].values()) == {"stopped"}
    assert any(feed["add"] for feed in feeds)


def test_errors_reach_the_panel_as_words(studio):
    work = new_workspace(studio)
    assert everything(studio, work, "  ")["error merge"] == "Write a prompt first: a question or a task for the models."
    assert "this model reads at most 254" in everything(studio, work, "x" * 400)["error merge"]


def test_two_visitors_at_once_hear_their_own(studio):
    works = [new_workspace(studio, "task_arithmetic", (m,)) for m in (PIRATE, PLURAL, STORY)]
    studio.answered.clear()
    heard: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda i=i, w=w: heard.update({i: everything(studio, w, "plural of glass")["merge"]}))
        for i, w in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = {i: everything(studio, w, "plural of glass")["merge"] for i, w in enumerate(works)}
    assert heard == alone and len(set(alone.values())) > 1


def test_statistics_follow_density(studio):
    work = new_workspace(studio)
    low = workspace.with_recipe(work, lanes.painted(studio.plan(work.recipe), {
        f"models[{i}].parameters.density": [0.2] * 8 for i in range(2)
    }))  # fmt: skip

    stats = Strip(studio).strip(low)
    assert len(stats["floor"]) == 8 and stats["floor"] != Strip(studio).strip(work)["floor"]
    assert stats["lanes"]["models[0].parameters.weight"].endswith(("keeps 19 %", "keeps 20 %"))


def test_app_builds_and_every_event_is_private(studio):
    demo = build_app(ROOT / "presets")
    public = [d for d in demo.config["dependencies"] if d["api_visibility"] != "private" and d["targets"]]
    assert [d["api_name"] for d in public if not any(t[1] == "unload" for t in d["targets"])] == []


def test_archive_holds_a_whole_model(studio, tmp_path):
    import zipfile

    work = new_workspace(studio)
    path = Files(studio).archive(work.recipe, lambda step: None)
    names = {Path(n).name for n in zipfile.ZipFile(path).namelist() if not n.endswith("/")}
    assert {"model.safetensors", "config.json", "tokenizer.json", "README.md", "mergekit_config.yml"} <= names


def test_a_broken_preset_names_its_file(tmp_path):
    (tmp_path / "x.yaml").write_text("merge_method: linear\nmodels: [{model: a, parameters: {weight: 1}}]\n")
    with pytest.raises(MergeError, match=r"x\.yaml: a preset starts with `# name: ...`"):
        workspace.read_presets(tmp_path)


# ---------------------------------------------------------------------------------------------- undo, links, other models


def test_undo_is_bounded(studio):
    work = new_workspace(studio)
    for step in range(UNDO_STEPS + 20):
        work = workspace.stepped(work, workspace.with_control(work, "models[0].parameters.weight", 0.001 * step))
    assert len(work.past) == UNDO_STEPS
    assert workspace.undone(work).recipe == workspace.with_control(work, "models[0].parameters.weight", 0.001 * (step - 1)).recipe


def test_undo_goes_back_over_everything_and_on_again(studio):
    """Method, models, paint and a pasted recipe: each is one step, and every step back is exactly where it was."""
    steps = [new_workspace(studio)]
    edits = (
        lambda w: workspace.with_control(w, "models[0].parameters.weight", 0.9),
        lambda w: workspace.with_method(w, "slerp"),
        lambda w: workspace.with_method(w, "ties"),
        lambda w: workspace.with_models(w, [PIRATE, STORY]),
        lambda w: workspace.with_text(w, dump(new_workspace(studio, "linear", (STORY, PLURAL)).recipe)),
        lambda w: workspace.with_family(w, PIRATE, [PLURAL]),
    )
    for edit in edits:
        steps.append(workspace.stepped(steps[-1], edit(steps[-1])))
    work = steps[-1]
    for before in reversed(steps[:-1]):
        work = workspace.undone(work)
        assert work.moment == before.moment
    assert workspace.undone(work) == work
    for after in steps[1:]:
        work = workspace.redone(work)
        assert work.moment == after.moment
    assert workspace.redone(work) == work


def test_a_step_back_by_the_mixer_is_one_here_too(studio):
    """The Mixer takes back strokes by itself and sends the numbers from before: that must not count as a new edit."""
    first = new_workspace(studio)
    second = workspace.stepped(first, workspace.with_control(first, "models[0].parameters.weight", 0.9))
    back = workspace.stepped(second, workspace.with_recipe(second, first.recipe), painted=True)
    assert (len(back.past), len(back.future)) == (0, 1)
    on = workspace.stepped(back, workspace.with_recipe(back, second.recipe), painted=True)
    assert (len(on.past), len(on.future)) == (1, 0)


@pytest.mark.parametrize("method", [m.name for m in METHODS.values() if m.models[1] is None])
def test_links_hold_the_recipe(studio, method):
    recipe = new_workspace(studio, method, (PIRATE, PLURAL, STORY)).recipe
    packed = workspace.link(recipe)
    assert load(workspace.from_link(packed)) == recipe
    assert set(packed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_hostile_links_are_refused_readably(studio):
    packed = workspace.link(new_workspace(studio).recipe)
    bomb = base64.urlsafe_b64encode(zlib.compress(b"#" * 50_000_000, 9)[:LINK_CHARACTERS]).decode()
    tall = base64.urlsafe_b64encode(zlib.compress(b"#" * 4_000_000, 9)).decode()
    for link in ("", "x", packed[:-9], packed + "!", "%00", "A" * 9000, bomb[:LINK_CHARACTERS], tall, "eJw" + "é"):
        with pytest.raises(RecipeError, match="holds no recipe"):
            workspace.from_link(link)


def test_a_recipe_too_long_for_a_link_says_so(studio):
    rng = random.Random(1)
    curve = [round(rng.uniform(0, 1), 4) for _ in range(4000)]
    with pytest.raises(RecipeError, match="characters in a link"):
        workspace.link(workspace.with_control(new_workspace(studio), "models[0].parameters.weight", curve).recipe)


def test_a_pasted_recipe_of_other_models_brings_its_shelf(studio):
    text = "merge_method: linear\nmodels:\n- {model: a/x, parameters: {weight: 1}}\n- {model: a/y, parameters: {weight: 1}}"
    work = workspace.with_text(new_workspace(studio), text)
    assert (work.base, work.shelf) == ("a/x", ("a/y",)) and work.preset == ""
    same = workspace.with_text(new_workspace(studio), dump(new_workspace(studio, "ties", (STORY, PIRATE)).recipe))
    assert same.shelf == new_workspace(studio).shelf and same.chosen == (PIRATE, STORY)


def test_the_command_is_a_shells_own_text(studio, tmp_path):
    """What is copied makes the recipe's file again, also where the recipe tries to end the shell's text."""
    recipe = new_workspace(studio).recipe
    for made in (recipe, replace(recipe, chat_template="{# #}\nRECIPE\nRECIPE_\n$(touch hacked) `touch hacked`\n")):
        lines = workspace.command(made).splitlines()
        others = [line.removeprefix("# ") for line in lines[-4:]]
        assert lines[-5] == "python -m merger merge recipe.yaml merged-model" and lines[-4:] == [f"# {line}" for line in others]
        for line in others[1::2]:  # a command that this program knows
            asked = _parser().parse_args(line.removeprefix("python -m merger ").split())
            assert "recipe.yaml" in vars(asked).values()
        del lines[-5:]
        subprocess.run(["sh", "-c", "\n".join(lines)], cwd=tmp_path, check=True)
        assert load((tmp_path / "recipe.yaml").read_text()) == made
        assert not (tmp_path / "hacked").exists()


# ---------------------------------------------------------------------------------------------- turns and blind tests


def test_turns_are_taken_in_order_and_can_be_left(studio):
    line = Turns()
    with line.stand() as first, line.stand() as second:
        with line.stand() as third:
            assert [ahead(0.0) for ahead in (first, second, third)] == [0, 1, 2]
        assert len(line) == 2 and second(0.01) == 1
    assert len(line) == 0


def test_who_waits_is_told_and_then_answered(studio):
    """While another visitor has the merged model, what is known is shown at once, with the place in line."""
    work = new_workspace(studio)
    studio.answered.clear()
    visit = Visit()
    with studio.turns.stand():
        feeds = Answers(studio).answer(work, "plural of hat", visit)
        assert set(next(feeds)["state"].values()) == {"waiting"}
        assert next(feeds)["note"] == "One answer is before yours."
    texts = [f for f in feeds if f["full"]]
    assert {"merge", studio.base, PIRATE, PLURAL} <= {key for f in texts for key in f["full"]}


def test_a_blind_test_hears_both_recipes_and_hides_which(studio):
    """On every row; their order, and who comes first in each, is chance."""
    one, two = new_workspace(studio, "linear", (PIRATE,)).recipe, new_workspace(studio, "linear", (PLURAL,)).recipe
    asked = [Row("r1", "plural of box"), Row("r2", "say hello my friend like a pirate")]
    told = [Answers(studio).ballot((one, two), asked, random.Random(i)) for i in range(40)]
    assert {tuple(row.id for row in ballot.rows) for ballot in told} == {("r1", "r2"), ("r2", "r1")}
    assert len({tuple(sorted(ballot.first.items())) for ballot in told}) == 4
    ballot = told[0]
    feeds = list(Answers(studio).compare(ballot, Visit()))
    said = {key: "".join(t[0] for t in tokens).strip() for f in feeds for key, tokens in f["full"].items()}
    found = {(row.id, name): said[row.key(key)] for row in ballot.rows for key, name in ballot.sides(row).items()}
    assert found["r1", "B"] == "boxes" != found["r1", "A"] and found["r2", "A"] == "ahoy me matey, arr!" != found["r2", "B"]
    assert "linear" not in json.dumps(feeds) and "presets" not in json.dumps(feeds)


@pytest.mark.long
def test_answers_can_vary_and_the_seed_repeats_them(studio):
    work = new_workspace(studio, "linear", (STORY, PIRATE))
    hot = [Manner(1.5, seed) for seed in (1, 1, 2, 3)]
    said = []
    for manner in hot:
        studio.answered.clear()
        for _ in Answers(studio).answer(work, "tell me a story about a robot", Visit(), manner):
            pass
        said.append(Answers(studio).heard(work.recipe, "tell me a story about a robot", manner))
    assert said[0] == said[1] and len(set(said)) > 1


def test_a_text_can_be_gone_on_with(studio):
    """Without the chat template the prompt's own tokens are what the models see, and the answer is kept apart."""
    work, prompt = new_workspace(studio, "task_arithmetic"), "plural of box"
    speaker = studio.voices.parent(PLURAL)
    plain, asked = speaker.encode(Plain(prompt)), speaker.encode(prompt)
    assert plain == speaker.tokenizer(prompt)["input_ids"] and plain != asked
    for manner in (Manner(), Manner(plain=True)):
        for _ in Answers(studio).answer(work, prompt, Visit(), manner):
            pass
    assert Answers(studio).heard(work.recipe, prompt) == "boxes"
    assert Answers(studio).heard(work.recipe, prompt, Manner(plain=True)) != "boxes"


def test_a_lent_gpu_says_the_same(studio, monkeypatch):
    """On ZeroGPU the words come from a process that is given folders, the recipe's text and the prompt, and nothing else."""
    given = []

    def lent(*args):
        given.append(args)
        pickle.loads(pickle.dumps(args))
        return gpu_tokens(*args, device="cpu")

    monkeypatch.setattr("merger.ui.service.answers.on_loan", lent)
    zero = Studio(ROOT / "presets", host=Host(accelerator="zerogpu"))
    work = new_workspace(studio)
    assert everything(zero, work, "plural of box") == everything(studio, work, "plural of box")
    assert given and not zero.voices.session.tensors  # nothing was merged in the page's own process


def test_what_is_too_large_to_hear_says_so_and_can_be_downloaded(studio):
    small = Studio(ROOT / "presets", host=Host(memory=8_000_000))
    said = everything(small, new_workspace(studio), "plural of box")
    assert "To files only" in said["error merge"] and "merge" not in said
    archive = Files(small).archive(new_workspace(studio).recipe, lambda step: None)
    assert archive.stat().st_size > 2_000_000
    Files(small).delete(archive)
    assert not archive.parent.exists()


def test_the_fader_from_a_to_b_mixes_what_two_methods_make(studio):
    """Numbers of two methods have nothing between them; the page goes between the merges, and shows what those are made of."""
    on = Panels(studio)
    first = new_workspace(studio, "task_arithmetic")
    other = new_workspace(studio, "ties", (PLURAL, STORY))
    work = replace(first, slots=(first.recipe, other.recipe))
    there = on.compare.fade(work, 0.25, None)["work"]
    assert there.recipe.merge_method == "linear" and [e.model for e in there.recipe.models] == ["mix 1", "mix 2"]
    assert there.chosen == (PIRATE, PLURAL, STORY) and [one["key"] for one in Answers(studio).columns(there)][-3:] == [
        STORY,
        "A",
        "B",
    ]
    got, a, b = (merged_tensors(studio, recipe)[Q].float() for recipe in (there.recipe, first.recipe, other.recipe))
    way = b - a
    assert ((got - a) * way).sum() / (way * way).sum() == pytest.approx(0.25, abs=0.01)  # each number is rounded to bfloat16
    assert "error merge" not in everything(studio, there, "plural of box")
    assert [on.compare.fade(work, t, None)["work"].recipe for t in (0, 1)] == [first.recipe, other.recipe]
    _, board = lanes.describe(studio.plan(there.recipe))
    assert [lane["name"] for lane in board["lanes"]] == ["mix 1 weight", "mix 2 weight"]
    assert on.recipe.use_text(first, dump(there.recipe), None)["work"].recipe == there.recipe  # several documents, pasted


@pytest.fixture
def misfit(tmp_path) -> str:
    """A recipe with a model whose MLPs are narrower than the base's."""
    shutil.copytree(ROOT / "presets" / "family" / "pirate", tmp_path / "odd")
    tensors = load_file(tmp_path / "odd/model.safetensors")
    narrow = {n: t[..., :-8] if "down_proj" in n else t[:-8] if "_proj" in n and "mlp" in n else t for n, t in tensors.items()}
    save_file({n: t.clone() for n, t in narrow.items()}, tmp_path / "odd/model.safetensors", {"format": "pt"})
    config = json.loads((tmp_path / "odd/config.json").read_text())
    config["intermediate_size"] -= 8
    (tmp_path / "odd/config.json").write_text(json.dumps(config))
    return (
        f"{{merge_method: ties, base_model: presets/family/base, models: [{{model: {PLURAL}, parameters: {{weight: 1}}}}, "
        f"{{model: {tmp_path / 'odd'}, parameters: {{weight: 0.7}}}}]}}"
    )


def merged_tensors(studio: Studio, recipe: Recipe) -> dict[str, torch.Tensor]:
    session = Session(studio.parents)
    session.apply(recipe)
    return session.tensors


def test_a_refused_recipe_has_a_button_that_mends_it(misfit, tmp_path):
    """What is left out is said in the recipe, so it holds wherever the recipe goes: answers, files, link, command, undo."""
    own = Studio(ROOT / "presets")
    on = Panels(own)
    first = workspace.start(own.presets[0], own.base, own.parents_of_family)
    refused = on.recipe.use_text(first, misfit, None)
    work, notice, button, spare = refused["work"], refused["notice"]["value"], *(refused[name] for name in WAYS)
    assert work.recipe == first.recipe and "mlp.down_proj.weight: shapes differ." in notice
    assert button == gr.update(value="Leave out the parts that do not fit", visible=True) and not spare["visible"]

    mended = on.desk.way_out(0)(work, None)
    now = mended["work"]
    assert now.recipe == load(misfit.replace("{merge", "{on_mismatch: skip, merge", 1)) and now.refused is None
    assert (
        not mended["notice"]["visible"]
        and not any(mended[name]["visible"] for name in WAYS)
        and now.past[-1].recipe == first.recipe
    )
    assert "on_mismatch: skip" in mended["yaml"] == dump(now.recipe)
    judged = on.mixer.judge(now)
    assert "18 of 56 parts do not fit all models and stay as they are in the base." in judged["warning"]["value"]
    assert judged[FIXES[0]] == gr.update(value="Take out what does not fit", visible=True)
    assert not any(judged[name]["visible"] for name in WAYS)

    odd = str(tmp_path / "odd")
    assert Strip(own).figures(now.recipe)["models"] == [PLURAL, odd] and Strip(own).strip(now)["floor"]
    said = everything(own, now, "plural of box")
    assert said["merge"] and said[PLURAL] == "boxes" and odd in said and not any(key.startswith("error") for key in said)
    made = Files(own).write(now.recipe, str(tmp_path / "made"), lambda step: None)
    tensors = load_file(made / "model.safetensors")
    base = load_file(ROOT / "presets/family/base/model.safetensors")
    assert not torch.equal(tensors[Q], base[Q])
    only = workspace.with_control(now, "models", [{"model": odd, "parameters": {"weight": 0.7}}])
    assert all(torch.equal(t, base[n]) for n, t in merged_tensors(own, only.recipe).items() if "mlp" in n)
    assert (
        workspace.with_text(now, workspace.from_link(workspace.link(now.recipe))).recipe == now.recipe == load(dump(now.recipe))
    )
    assert "on_mismatch: skip" in workspace.command(now.recipe)
    assert workspace.with_method(now, "task_arithmetic").recipe.on_mismatch == "skip" == workspace.for_statistics(now).on_mismatch

    back = on.desk.undo(now, None)["work"]
    assert back.recipe == first.recipe and on.desk.redo(back, None)["work"].recipe == now.recipe
    assert on.desk.way_out(0)(back, None)["notice"]["value"] == "There is nothing to mend any more."
    for wrong in (misfit.replace("ties", "tise"), misfit.replace("odd", "nobody")):
        assert not any(one.get("visible") for name, one in on.recipe.use_text(first, wrong, None).items() if name in WAYS)


def test_a_hosted_page_mends_only_what_it_may_open(misfit):
    hosted = Panels(Studio(ROOT / "presets", host=Host(hosted=True, family=("presets/family/base", PLURAL))))
    first = workspace.start(hosted.studio.presets[0], hosted.studio.base, hosted.studio.parents_of_family)
    refused = hosted.recipe.use_text(first, misfit, None)
    assert refused["notice"]["value"] and refused["work"].refused is None and not any(refused[name]["visible"] for name in WAYS)


def test_a_drag_after_a_refusal_takes_its_buttons_away(misfit):
    on = Panels(Studio(ROOT / "presets"))
    first = workspace.start(on.studio.presets[0], on.studio.base, on.studio.parents_of_family)
    refused = on.recipe.use_text(first, misfit, None)["work"]
    value, _ = lanes.describe(on.studio.plan(first.recipe))
    value["lanes"] = {path: [0.25] * len(row) for path, row in value["lanes"].items()}
    dragged = on.mixer.release(refused, value, False, None)["work"]
    assert dragged.recipe != first.recipe and dragged.refused is None
    assert not any(on.mixer.judge(dragged)[name]["visible"] for name in WAYS)


def test_models_nobody_uses_are_closed(tmp_path):
    """So that a bounded disk can have them back; the family stays, and so does what a visitor could undo to."""
    for name in ("base", "pirate", "plural"):
        shutil.copytree(ROOT / "presets" / "family" / name, tmp_path / name)
    other = Studio(ROOT / "presets")
    names = [str(tmp_path / name) for name in ("base", "pirate", "plural")]
    on = Panels(other)
    first = workspace.start(other.presets[0], other.base, other.parents_of_family)
    there = on.desk.load_family(first, names[0], names[1:], {}, None)["work"]
    other.close_unused()
    assert set(names) <= other.parents.opened
    back = on.desk.edited(
        there, lambda: workspace.with_preset(there, other.presets[0], other.base, other.parents_of_family), None
    )["work"]
    other.close_unused()
    assert set(names) <= other.parents.opened and back.past  # Undo still leads there
    other.leave(None)
    other.close_unused()
    assert not set(names) & other.parents.opened and other.base in other.parents.opened
    assert on.desk.undo(back, None)["work"].base == names[0]  # opened again when it is named again
