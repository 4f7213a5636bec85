"""Chat templates: as transformers renders them, and stopped where they are too much, at nobody else's cost."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from merger.chat.load import chat_model
from merger.errors import MergeError
from merger.files.checkpoints import open_checkpoint
from merger.limits import TEMPLATE_CHARACTERS, TEMPLATE_OUTPUT, TEMPLATE_SECONDS, TEMPLATES_KEPT, TEMPLATES_WAITING
from merger.tokenizer import safe, templates
from merger.tokenizer.templates import render
from merger.tokenizer.tokens import _BUILT_IN
from merger.ui.service.answers import Answers, Ask
from merger.ui.studio import GREEDY, Studio, Visit

ROOT = Path(__file__).resolve().parents[1]
FAMILY = ROOT / "presets" / "family"
TALK = [{"role": "user", "content": "hi"}]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}x"


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Processes and results of this test's own."""
    made = templates._Rendering()
    monkeypatch.setattr(templates, "_rendering", made)
    yield made
    made.stop()


def said(template: str, talk: list[dict[str, str]] = TALK, origin: str = "the chat template of x") -> str:
    with pytest.raises(MergeError) as error:
        render(template, talk, TOKENS, origin)
    return str(error.value)


# ---------------------------------------------------------------------------------------------- as transformers does it


USUAL = {
    **_BUILT_IN,
    "family": (FAMILY / "base" / "chat_template.jinja").read_text(),
    "plain": "{{ bos_token }}{% for m in messages %}{{ m['role'] }}: {{ m.content }}{{ eos_token }}\n{% endfor %}",
    "blocks": "  {% if true %}\n    {%- for m in messages -%}\n  x  \n    {% endfor %}\n  {% endif %}\n\n{# note #}\nend\n",
    "namespace": "{% set n = namespace(a=1, b='x') %}{% for m in messages %}{% set n.a = n.a + 1 %}{% endfor %}"
    "{{ n.a }}{{ n.b }}",
    "loop controls": "{% for i in range(9) %}{% if i == 3 %}{% continue %}{% endif %}{% if i > 5 %}{% break %}{% endif %}{{ i }}"
    "{% endfor %}",
    "generation": "{% for m in messages %}{% generation %}{{ m.content }}{% if loop.last %}!{% endif %}"
    "{% endgeneration %}{% endfor %}",
    "json": "{{ {'b': 'é<>&\"', 'a': [1, 2.5, none, true]} | tojson(indent=2, sort_keys=true) }}{{ messages | tojson }}"
    "{{ 'é' | tojson(ensure_ascii=true) }}{{ [1, 2] | tojson(separators=(',', ':')) }}",
    "macros": "{% macro f(x, y=2) %}[{{ x }}{{ y }}{{ varargs }}{{ caller('q') if caller }}]{% endmacro %}"
    "{{ f(1) }}{{ f(1, 3, 4) }}{% call(z) f(4) %}{{ z }}{% endcall %}",
    "filters": "{{ ' a ' | trim }}{{ 'a,b'.split(',') | join('-') }}{{ [3, 1, 2] | sort }}{{ 'abc' | upper | replace('B', 'x') }}"
    "{{ [1, 2, 3, 4] | batch(2) | list }}{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list }}"
    "{{ 'x' | indent(4, true) }}{{ '%05d' % 3 }}{{ '{}-{}'.format(1, 2) }}{{ 10 ** 3 }}{{ [1] * 3 }}{{ 'ab' | center(9) }}",
    "tests": "{{ tools is none }}{{ tools is defined }}{{ foo is defined }}{{ documents }}{{ messages is iterable }}{{ foo }}",
    "dict": "{{ dict(a=1).items() | list }}{{ dict.fromkeys(['a', 'b']) }}{{ messages[0].items() | list }}"
    "{{ messages[0].get('nope', 'd') }}{{ messages | length }}",
    "prompt": "{% if add_generation_prompt %}<|a|>{% endif %}{{ messages[-1]['content'][:1] }}{{ loop_ is defined }}",
    "cycle": "{% for m in messages * 3 %}{{ loop.cycle('a', 'b') }}{{ loop.index0 }}{{ loop.previtem.role if not loop.first }}"
    "{% endfor %}",
    "letters": "{{ 'ſé東🎛\\u0301' }}{{ messages[0].content | urlencode }}{{ messages[0].content | e }}",
    "set block": "{% set x %}a{{ messages[0].content }}{% endset %}{{ x }}{{ x | length }}{% filter upper %}q{% endfilter %}",
    "what cannot be seen": "{{ raise_exception.__globals__ }}{{ '{0.__class__}'.format(1) }}{{ ''.__class__ }}"
    "{{ self._TemplateReference__context }}{{ ''|attr('__class__') }}{{ '{x.__class__}'.format_map({'x': 1}) }}"
    "{{ namespace.__init__ }}",
}
TALKS = [
    TALK,
    [
        {"role": "system", "content": "Be neat."},
        {"role": "user", "content": "é <b> & 'q' \"d\"\n東"},
        {"role": "assistant", "content": " ok "},
        {"role": "user", "content": "{{ 7 * 7 }}{% raw %}"},
    ],
]


@pytest.mark.parametrize("name", USUAL)
def test_rendered_as_transformers_does(name: str) -> None:
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(FAMILY / "base")
    theirs.chat_template = USUAL[name]
    for talk in TALKS:
        wanted = theirs.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        assert render(USUAL[name], talk, theirs.special_tokens_map) == wanted
        assert render(USUAL[name], talk, theirs.special_tokens_map) == wanted  # and again, from what is kept


REFUSED = {  # both refuse it, and ours says where
    "raise": ("a\n{{ raise_exception('roles must\nalternate') }}", "line 2: it refuses this conversation: roles must alternate."),
    "syntax": ("a\n\n{% if %}", "line 3: this is not Jinja: Expected an expression, got 'end of statement block'."),
    "unclosed": ("{% for m in messages %}", "line 1: this is not Jinja: Unexpected end of template."),
    "unknown tag": ("{% import 'os' %}", "line 1: this is not Jinja: "),
    "unknown filter": ("x\n{{ 1 | nope }}", "line 2: this is not Jinja: No filter named 'nope'."),
    "undefined": ("{{ messages.foo.bar }}", "line 1: it cannot be rendered: 'list object' has no attribute 'foo'."),
    "type": ("{{ 1 + 'a' }}", "line 1: it cannot be rendered: TypeError: unsupported operand"),
    "zero": ("\n{{ 1 // 0 }}", "line 2: it cannot be rendered: ZeroDivisionError"),
    "include": ("{% include '/etc/passwd' %}", "line 1: it cannot be rendered: TypeError: no loader for this environment"),
    "extends": ("{% extends '/etc/passwd' %}", "line 1: it cannot be rendered: TypeError: no loader for this environment"),
    "class": (
        "{{ ''.__class__.__mro__ }}",
        "line 1: it cannot be rendered: access to attribute '__class__' of 'str' object is unsafe.",
    ),
    "underscore": ("{% set n = namespace(_x=1) %}", "line 1: it cannot be rendered: a namespace takes no name"),
    "mro": ("{{ namespace.mro() }}", "line 1: it cannot be rendered: "),
    "cycler": ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", "line 1: it cannot be rendered: "),
    "range": ("{{ range(10**9)|list }}", "line 1: it cannot be rendered: OverflowError: Range too big."),
    "digits": ("{{ 10 ** (messages | length * 5000) }}", "line 1: it cannot be rendered: ValueError: Exceeds the limit"),
    "append": ("{{ messages.append(1) }}", "line 1: it cannot be rendered: access to attribute 'append' of 'list' object is"),
    "globals": ("{{ raise_exception.__globals__.os }}", "line 1: it cannot be rendered: access to attribute '__globals__' of"),
}


@pytest.mark.parametrize(("template", "message"), REFUSED.values(), ids=list(REFUSED))
def test_a_wrong_template_is_told_with_its_line(template: str, message: str) -> None:
    found = said(template)
    assert found.startswith(f"the chat template of x, {message}") and "\n" not in found and len(found) < 300


# ---------------------------------------------------------------------------------------------- too much


DOUBLES = "{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(40) %}{% set ns.s = "
SLOW, HEAVY, LONG, DEEP = "takes longer than", "takes more than 256 MB", "writes more than", "calls itself, or nests"
BOMBS: dict[str, tuple[str, tuple[str, ...]]] = {
    "loops": (LOOP, (SLOW,)),
    "text times": ("{{ 'a' * 10**9 }}", (HEAVY,)),
    "list times": ("{{ ([1] * 10**9) | length }}", (HEAVY,)),
    "nested lists": ("{% set x = [1] * 9999 %}{{ (x * 9999) | length }}{{ (x * 9999) | sort }}", (HEAVY, SLOW)),
    "doubling": (DOUBLES + "ns.s ~ ns.s %}{% endfor %}{{ ns.s }}", (HEAVY,)),
    "joining": (DOUBLES + "[ns.s, ns.s] | join(ns.s) %}{% endfor %}x", (HEAVY,)),
    "replacing": (DOUBLES + "ns.s | replace('a', 'aaaaaaaa') %}{% endfor %}x", (HEAVY, SLOW)),
    "formatting": (DOUBLES + "'%s%s' | format(ns.s, ns.s) %}{% endfor %}x", (HEAVY,)),
    "power": ("{{ 10 ** (10 ** 8) }}", (SLOW, HEAVY)),
    "products": ("{% set ns = namespace(x=7) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}x", (SLOW, HEAVY)),
    "padding": ("{{ '%2000000000d' % 1 }}", (HEAVY,)),
    "width": ("{{ '{:2000000000}'.format(1) }}", (HEAVY,)),
    "center": ("{{ 'a' | center(10**9) }}", (HEAVY,)),
    "ljust": ("{{ 'a'.ljust(10**9) }}", (HEAVY,)),
    "zfill": ("{{ 'a'.zfill(10**9) }}", (HEAVY,)),
    "expandtabs": ("{{ '\\t'.expandtabs(10**9) }}", (HEAVY,)),
    "indent": ("{{ ('a\\n' * 99999) | indent(99999) | length }}", (HEAVY, SLOW)),
    "batch": ("{{ [1] | batch(10**9, 0) | list | length }}", (HEAVY, SLOW)),
    "slice": ("{{ [1] | slice(10**9) | list | length }}", (HEAVY, SLOW)),
    "json": (
        "{% set n = namespace(x=[1] * 999) %}{% for i in range(30) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x | tojson }}",
        (HEAVY, SLOW),
    ),
    "json indent": ("{{ (range(99999) | list) | tojson(indent=9999) }}", (HEAVY, SLOW)),
    "pprint": (
        "{% set ns = namespace(x=[1]) %}{% for i in range(25) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | pprint }}",
        (HEAVY, SLOW),
    ),
    "lipsum": ("{{ lipsum(n=10**7) }}", (SLOW, HEAVY)),
    "wordwrap": ("{{ ('a ' * 9999999) | wordwrap(3) | length }}", (SLOW, HEAVY)),
    "urlize": ("{{ ('www.a.b ' * 999999) | urlize | length }}", (SLOW, HEAVY)),
    "products of lists": ("{% for a in range(99999) %}{{ range(99999) | sum }}{% endfor %}", (SLOW,)),
    "sorting": ("{% for a in range(99999) %}{% set x = range(99999) | sort(reverse=true) %}{% endfor %}", (SLOW,)),
    "macros twice": ("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(90) }}", (SLOW,)),
    "macros": ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", (DEEP,)),
    "recursive loop": ("{% for m in [1] recursive %}{{ loop([1]) }}{% endfor %}", (DEEP,)),
    "parentheses": ("{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}", (DEEP,)),
    "nots": ("{{ " + "not " * 20_000 + "1 }}", (DEEP,)),
    "nested ifs": ("{% if 1 %}" * 4_000 + "{% endif %}" * 4_000, (DEEP,)),
    "long constant": ("{{ '" + "a" * 1000 + "' * 900000 }}", (HEAVY,)),
    "output": ("{% for a in range(99999) %}{{ 'aaaaaaaaaa' }}{% endfor %}", (LONG,)),
    "time": ("{{ strftime_now('%c' * 9999999) }}", (HEAVY, SLOW, LONG)),
}


@pytest.mark.parametrize(("template", "messages"), BOMBS.values(), ids=list(BOMBS))
@pytest.mark.long
def test_bombs_are_stopped(template: str, messages: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "TEMPLATE_SECONDS", 0.5)  # as with 2 seconds, and quicker
    began = time.monotonic()
    found = said(template)
    assert found.startswith(tuple(f"the chat template of x {message}" for message in messages)), found
    assert found.endswith(", and was stopped; choose another chat template.")
    assert time.monotonic() - began < 15  # a busy machine; what the process computed is bounded by the kernel
    assert render("{{ messages[0].content }}", TALK, TOKENS) == "hi"


def test_the_limit_of_time_holds_as_it_is() -> None:
    began = time.monotonic()
    assert said(LOOP) == (
        f"the chat template of x takes longer than {TEMPLATE_SECONDS} seconds, and was stopped; choose another chat template."
    )
    first = time.monotonic() - began
    assert TEMPLATE_SECONDS <= first < 5 * TEMPLATE_SECONDS + 5
    began = time.monotonic()
    said(LOOP)
    assert time.monotonic() - began < 0.1  # remembered for a while: whoever asks again costs nothing


def test_output_is_bounded() -> None:
    assert len(render("{{ 'a' * " + str(TEMPLATE_OUTPUT) + " }}", TALK, {})) == TEMPLATE_OUTPUT
    assert "writes more than 500,000 characters" in said("{{ 'a' * " + str(TEMPLATE_OUTPUT + 1) + " }}")


def test_a_template_too_long_is_refused_before_it_is_read(own: Any) -> None:
    assert (
        said("x" * (TEMPLATE_CHARACTERS + 1))
        == "the chat template of x has 100,001 characters; at most 100,000 are rendered here."
    )
    assert own.new._all[0]._process is None and own.new._all[1]._process is None
    assert render("x" * TEMPLATE_CHARACTERS, TALK, {}) == "x" * TEMPLATE_CHARACTERS


def test_known_templates_do_not_wait_for_bad_ones() -> None:
    """Also not where the bad ones fill all places for new templates."""
    good = _BUILT_IN["chatml"]
    render(good, TALK, TOKENS)
    waits: list[float] = []
    bad = [threading.Thread(target=said, args=(LOOP + str(i),)) for i in range(4)]
    for thread in bad:
        thread.start()
    time.sleep(0.3)
    while any(thread.is_alive() for thread in bad):
        began = time.monotonic()
        assert "<|im_start|>" in render(good, [{"role": "user", "content": str(began)}], TOKENS)
        waits.append(time.monotonic() - began)
        time.sleep(0.1)
    assert len(waits) > 10 and sorted(waits)[len(waits) // 2] < 0.1 and max(waits) < TEMPLATE_SECONDS


def test_templates_of_our_own_never_wait(own: Any) -> None:
    """Also those that have never been rendered before."""
    Studio(ROOT / "presets")
    bad = [threading.Thread(target=said, args=(LOOP + str(i),)) for i in range(4)]
    for thread in bad:
        thread.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert render(USUAL["family"], TALK, TOKENS) and render(USUAL["alpaca"], TALK, TOKENS)
    assert time.monotonic() - began < TEMPLATE_SECONDS and any(thread.is_alive() for thread in bad)
    for thread in bad:
        thread.join()
    assert own.new._all[0]._process is None and own.ours._all[0]._process is not None


@pytest.mark.long
def test_templates_of_our_own_do_not_wait_for_known_ones_that_turn_bad(own: Any) -> None:
    """What is good with one prompt and a bomb with the next: sixteen such kept everybody's presets waiting for half a minute."""
    Studio(ROOT / "presets")
    turns = ["{% if messages[0].content == 'boom' %}" + LOOP + "{% endif %}" + str(i) for i in range(4)]
    for template in turns:
        render(template, TALK, {})
    boom = [{"role": "user", "content": "boom"}]
    bad = [threading.Thread(target=said, args=(template, boom)) for template in turns]
    for thread in bad:
        thread.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert render(USUAL["family"], [{"role": "user", "content": "new"}], TOKENS)
    assert time.monotonic() - began < TEMPLATE_SECONDS and any(thread.is_alive() for thread in bad)
    for thread in bad:
        thread.join()


def test_a_known_template_that_turns_bad_is_no_longer_known(own: Any) -> None:
    turns = "{% if messages[0].content == 'boom' %}" + LOOP + "{% endif %}{{ messages[0].content }}"
    assert render(turns, TALK, {}) == "hi" and len(own._good) == 1
    assert "takes longer" in said(turns, [{"role": "user", "content": "boom"}])
    assert not own._good
    assert render(turns, [{"role": "user", "content": "again"}], {}) == "again"


def test_too_many_waiting_are_refused(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "TEMPLATES_WAITING", 2)
    assert TEMPLATES_WAITING > 2
    messages: list[str] = []
    threads = [threading.Thread(target=lambda i=i: messages.append(said(LOOP + str(i)))) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    busy = "too many new chat templates are being tried just now; try again in a moment."
    assert messages.count(busy) == 2 and sum("takes longer" in m for m in messages) == 4


def test_what_is_kept_is_bounded(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "TEMPLATES_KEPT", 5)
    assert TEMPLATES_KEPT > 5
    for i in range(9):
        render(f"{i}" + "{{ messages[0].content }}", TALK, {})
    assert len(own._kept) == 5 and len(own._good) == 5 and own._characters == 15
    monkeypatch.setattr(templates, "TEMPLATE_OUTPUT", 100)
    for i in range(9):
        render(f"{i}" + "{{ 'a' * 99 }}", TALK, {})
    assert own._characters <= 400 and len(own._kept) == 4


def test_the_time_of_day_is_not_kept(own: Any) -> None:
    first = render("{{ strftime_now('%s %f') }}", TALK, {})
    time.sleep(0.01)
    assert re.fullmatch(r"\d+ \d+", first) and render("{{ strftime_now('%s %f') }}", TALK, {}) != first


def test_odd_letters_come_through() -> None:
    assert render("{{ messages[0].content }}", [{"role": "user", "content": "\ud800 \0 é"}], {}) == "\ud800 \0 é"


# ---------------------------------------------------------------------------------------------- the processes


def children(pid: int) -> list[int]:
    """The processes that a process has started and that are still there, zombies too."""
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [
        int(line)
        for line in told.split()
        if Path(f"/proc/{line}/cmdline").read_bytes() and "renderer" in Path(f"/proc/{line}/cmdline").read_text()
    ]


def test_no_process_stays(own: Any) -> None:
    for template in (LOOP, "{{ 'a' * 10**9 }}", "{{ 1 }}"):
        with contextlib.suppress(MergeError):
            render(template, TALK, {})
    started = [worker._process for lane in own.lanes for worker in lane._all if worker._process is not None]
    assert started
    own.stop()
    assert all(process.returncode is not None for process in started)
    ours = {str(process.pid) for process in started}
    told = subprocess.run(["ps", "-o", "pid=,stat=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False)
    assert not [line for line in told.stdout.splitlines() if line.split()[0] in ours]


PARENT = """
import sys, threading, time
from merger.tokenizer.templates import render
talk = [{"role": "user", "content": "hi"}]
assert render("{{ messages[0].content }}", talk, {}) == "hi"
thread = threading.Thread(target=render, args=(sys.argv[1], talk, {}), daemon=True)
thread.start()
time.sleep(0.3)
from merger.tokenizer import templates
print(*(w._process.pid for l in templates._rendering.lanes for w in l._all if w._process), flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.long
def test_processes_end_with_their_parent(killed: bool) -> None:
    """At its usual end, and where it is killed while a template loops."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, LOOP, "60" if killed else "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert pids
    if killed:
        parent.send_signal(signal.SIGKILL)
    parent.wait(30)
    ends = time.monotonic() + 20
    while time.monotonic() < ends and any(alive(pid) for pid in pids):
        time.sleep(0.1)
    assert not [pid for pid in pids if alive(pid)]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


FORKED = """
import os
from merger.tokenizer.templates import render
from merger.ui.service.answers import Answers, Ask
talk = [{"role": "user", "content": "hi"}]
render("a{{ messages[0].content }}", talk, {})
pid = os.fork()
if not pid:
    os._exit(0 if [render(f"{i}" + "{{ messages[0].content }}", talk, {}) for i in range(20)][-1] == "19hi" else 1)
assert [render(f"b{i}" + "{{ messages[0].content }}", talk, {}) for i in range(20)][-1] == "b19hi"
assert os.waitpid(pid, 0)[1] == 0
print("fine")
"""


@pytest.mark.long
def test_a_forked_process_has_its_own() -> None:
    """ZeroGPU forks: parent and child must not speak to the same renderer."""
    done = subprocess.run([sys.executable, "-c", FORKED], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "fine\n", done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_process_holds_nothing_of_ours(own: Any) -> None:
    render("{{ 1 }}", TALK, {})
    (process,) = [worker._process for worker in own.new._all if worker._process is not None]
    proc = Path(f"/proc/{process.pid}")
    assert proc.joinpath("environ").read_bytes() == b""
    assert {str(fd.readlink()).partition(":")[0] for fd in proc.joinpath("fd").iterdir()} <= {"pipe", "/dev/null"}
    limits = proc.joinpath("limits").read_text()
    assert re.search(r"Max address space\s+256000000", limits) and re.search(r"Max file size\s+0\s+0", limits)
    assert templates._held(process.pid) > 1 << 20 and templates._spent(process.pid) < 60
    assert templates._held(-1) == 0 and templates._spent(-1) == float("inf")


def test_a_renderer_that_was_killed_is_started_again(own: Any) -> None:
    assert render("{{ 1 }}", TALK, {}) == "1"
    (worker,) = [worker for worker in own.new._all if worker._process is not None]
    worker._process.kill()
    worker._process.wait()
    assert render("{{ 2 }}", TALK, {}) == "2"


def test_a_machine_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates.sys, "executable", "/nonexistent/python")
    assert said("{{ 3 }}") == "chat templates cannot be rendered here: the process for it does not start (FileNotFoundError)."


# ---------------------------------------------------------------------------------------------- where models speak


def test_a_speaker_names_whose_template_it_is() -> None:
    folder = FAMILY / "pirate"
    model = open_checkpoint("pirate", folder)
    tensors = {name: model.read(name) for name in model.tensors}
    who = chat_model(folder, model.config, tensors, "the chat template of pirate")
    wanted = who.tokenizer.apply_chat_template(TALK, tokenize=False, add_generation_prompt=True)
    assert who.encode("hi") == who.tokenizer(wanted, add_special_tokens=False)["input_ids"]
    who.tokenizer.chat_template = "{{ raise_exception('not today') }}"
    with pytest.raises(MergeError) as error:
        who.encode("hello")
    assert str(error.value) == "the chat template of pirate, line 1: it refuses this conversation: not today."


def test_a_bad_template_takes_no_place_in_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried before: a visitor with one holds nobody up, and is told whose it is."""
    from merger.recipe import load

    studio = Studio(ROOT / "presets")
    recipe = load(
        f"merge_method: linear\nmodels: [{{model: {studio.base}, parameters: {{weight: 1}}}}]\nchat_template: '{LOOP}'\n"
    )
    stood: list[int] = []
    monkeypatch.setattr(studio.turns, "stand", lambda: stood.append(1))
    visit = Visit()
    feeds = list(Answers(studio)._fed([Ask("hi", {"merge": recipe})], visit, GREEDY))
    assert feeds[-1]["error"]["merge"] == (
        "the recipe's chat template takes longer than 2 seconds, and was stopped; choose another chat template."
    )
    assert stood == []


def test_a_bad_template_is_tried_once_for_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight rows do not hold the machine eight times as long; each is told why."""
    from merger.recipe import load

    studio = Studio(ROOT / "presets")
    recipe = load(
        f"merge_method: linear\nmodels: [{{model: {studio.base}, parameters: {{weight: 1}}}}]\nchat_template: '{LOOP}'\n"
    )
    tried: list[str] = []
    asked = templates.asked
    monkeypatch.setattr(templates, "asked", lambda template, *more: (tried.append(template), asked(template, *more))[1])
    asks = [Ask(f"prompt {i}", {f"r{i}/merge": recipe}) for i in range(8)]
    told: dict[str, str] = {}
    for feed in Answers(studio)._fed(asks, Visit(), GREEDY):
        told |= feed.get("error", {})
    assert tried == [LOOP] and len(told) == 8 and len(set(told.values())) == 1


def test_what_is_tried_before_is_what_is_asked(own: Any) -> None:
    """The rehearsal and the speaker ask the same, so that the second finds what is kept."""
    studio = Studio(ROOT / "presets")
    Answers(studio)._rehearse(studio.base, "hi")
    kept = dict(own._kept)
    folder = studio.parents.model(studio.base).folder
    templates.asked(safe.chat_template(folder) or "", "hi", safe.tokenizer(folder).special_tokens_map)
    assert own._kept.keys() == kept.keys() and len(kept) == 1
