"""The command line: merge, export, inspect, sweep, judge, tune, ... Each command calls one function of what is below."""

import argparse
import atexit
import contextlib
import gc
import io
import os
import re
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import merger
from merger.cli import export_lora, machines
from merger.errors import NO_MEMORY, CheckpointError, MergeError, NonFiniteError, keyless, nearest, out_of_memory
from merger.files.checkpoints import format_bytes, parse_size
from merger.limits import LENGTH_TOKENS
from merger.methods import METHODS
from merger.methods.params import to_number
from merger.recipe import Recipe, load_file, parse_value, replace_all, tolerant
from merger.regular import scheme_of

if TYPE_CHECKING:  # these modules load torch, which a refused recipe does not need
    from merger.engine.plan import Plan
    from merger.files.checkpoints import Checkpoint
    from merger.search.trials import Trial


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 the user's input was refused, 2 `doctor` found something, 130 stopped."""
    try:
        options = _parser().parse_args(argv)
        return options.run(options) or 0
    except MergeError as error:
        kind = CheckpointError if isinstance(error, CheckpointError) else type(error)
        print(f"{kind.__name__}: {error}", file=sys.stderr)
        if isinstance(error, NonFiniteError):
            print("  To merge all the same: --allow-nonfinite.", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        left = str(stop) or "What a merge has written stays in OUT.partial: the same command goes on from there."
        print(f"\nStopped. {left}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `merger inspect r.yaml | head`
        sys.stderr.close()
        return 0
    except OSError as error:  # a limit or a disk, where nobody has better words for it
        print(f"MergeError: {error.filename or 'the system'}: {error.strerror or error}.", file=sys.stderr)
        return 1
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        print(f"MergeError: {NO_MEMORY}", file=sys.stderr)
        return 1


def script() -> None:
    """`main` as a process of its own, which ends at once: taking torch apart object by object would take a quarter second."""
    gc.freeze()  # what was imported stays; a search for garbage need not look there
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main()
    except KeyboardInterrupt:  # once more, while the first was being told
        os._exit(130)
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage] - there is no public way
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


SPEAKS = "cpu (default), cuda, auto for the fastest of these, or mps: heard on an Apple GPU, merged by the CPU"


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="merger", description="Merge language models by arithmetic on their weights.")
    parser.add_argument("--version", action="version", version=f"merger {merger.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    merge = commands.add_parser("merge", help="merge models into a new folder; takes every option of mergekit-yaml")
    _add_recipe(merge)
    _add_mergekit(merge)
    merge.set_defaults(run=_merge)

    export = commands.add_parser("export", help="write a merge or a model as a GGUF file, or a merge as a LoRA adapter")
    _add_recipe(export, "RECIPE_OR_FOLDER", "a recipe, or a model's folder or Hub id")
    _add_mismatch(export)
    _add_export(export)
    export_lora.add(export)
    export.set_defaults(run=_export)

    inspect = commands.add_parser("inspect", help="show the plan and the deltas' statistics; writes nothing")
    _add_recipe(inspect)
    _add_mismatch(inspect)
    _add_inspect(inspect)
    inspect.set_defaults(run=_inspect)

    sweep = commands.add_parser("sweep", help="try many settings of a recipe, score each with probes, list the best first")
    _add_recipe(sweep)
    _add_mismatch(sweep)
    _add_sweep(sweep)
    sweep.set_defaults(run=_sweep)

    tune = commands.add_parser("tune", help="move a recipe's bars until its merge says what its parents say")
    _add_recipe(tune)
    _add_mismatch(tune)
    _add_tune(tune)
    tune.set_defaults(run=_tune)

    doctor = commands.add_parser("doctor", help="say what is wrong with a merged model that babbles")
    doctor.add_argument("folder", metavar="FOLDER", type=_path, help="the model's folder")
    doctor.add_argument("--fix", metavar="OUT", type=_path, help="write a copy in which what is certain is mended")
    doctor.add_argument("--ask", action=_YesNo, default=True, help="also let it answer a few prompts (default)")
    doctor.add_argument("--json", action="store_true", help="print the findings for a program")
    doctor.set_defaults(run=_doctor)

    judge = commands.add_parser("judge", help="say how good a merge is, beside its parents and other recipes; writes no model")
    _add_recipe(judge, "RECIPE_OR_FOLDER", "a recipe, or a model's folder")
    _add_mismatch(judge)
    _add_judge(judge)
    judge.set_defaults(run=_judge)

    serve = commands.add_parser("serve", help="let programs talk to a merge as to OpenAI's models; writes no model")
    _add_recipe(serve)
    _add_mismatch(serve)
    _add_serve(serve)
    serve.set_defaults(run=_serve)

    _add_kin(commands)
    _add_publish(commands)

    methods = commands.add_parser("methods", help="list the merge methods and their parameters")
    methods.add_argument("name", nargs="?", help="show one method in full")
    methods.set_defaults(run=_methods)

    page = commands.add_parser("page", help="serve the page: mix models in a browser, and hear them")
    _add_page(page)
    page.set_defaults(run=_page)
    return parser


def _add_kin(commands: "_Commands") -> None:
    kin = commands.add_parser("kin", help="say which models come from which, how alike they are, and which are worth merging")
    kin.add_argument(
        "models", nargs="*", metavar="MODEL", help="folders, Hub ids, or model+lora; of the Hub's a few kilobytes are read"
    )
    kin.add_argument("--base", metavar="MODEL", help="what they were tuned from (default: looked for among them)")
    kin.add_argument("--of", metavar="MODEL", help="also the fine-tunes of this base that the Hub lists, most used first")
    kin.add_argument("--most", type=_count, default=8, metavar="N", help="of --of: at most so many (default 8)")
    kin.add_argument("--json", action="store_true", help="print everything for a program")
    kin.set_defaults(run=_kin)


def _add_publish(commands: "_Commands") -> None:
    publish = commands.add_parser("publish", help="put a merged model's folder on the Hub, private unless told")
    publish.add_argument("folder", type=_path, help="what a merge was written to")
    publish.add_argument("repo", metavar="OWNER/NAME", help="the repository; without an owner it is yours")
    publish.add_argument("--public", action="store_true", help="everybody may see it")
    publish.add_argument("--replace", action="store_true", help="if it is there, put this over what is in it, as a new commit")
    publish.add_argument(
        "--collection", metavar="NAME", help="put it into this collection too: OWNER/WORDS-ID of one, or a new title"
    )
    publish.add_argument(
        "--allowed", action="store_true", help="the parents' owners allow it, where their licences do not say so"
    )
    publish.set_defaults(run=_publish)


def _add_inspect(inspect: argparse.ArgumentParser) -> None:
    inspect.add_argument("--exact", action="store_true", help="measure every weight, not a sample of each tensor")
    inspect.add_argument("--tensors", action="store_true", help="list every tensor's sources and numbers")
    machines.add_ranges(inspect)


def _add_page(page: argparse.ArgumentParser) -> None:
    page.add_argument("--host", metavar="NAME", help="where to listen (default 127.0.0.1: this computer only; 0.0.0.0: all)")
    page.add_argument("--port", type=_port, help="the port (default: 7860, or the first free one after it)")
    page.add_argument("--device", help="cpu, cuda (default where there is one), or mps: answers on it, merged by the CPU")
    page.add_argument("--open", action="store_true", help="open it in a browser")
    page.add_argument("--hosted", action="store_true", help="for strangers, as on a Space: no folders, nothing in your name")
    page.add_argument("--share", action="store_true", help="also at a public address, through gradio's servers; --hosted with it")
    page.add_argument(
        "--store",
        metavar="FILE",
        type=_path,
        help="keep the trials of sweeps and searches in this SQLite file, as `sweep --store`",
    )


def _add_recipe(parser: argparse.ArgumentParser, name: str = "RECIPE", what: str = "the recipe, a mergekit YAML file") -> None:
    parser.add_argument("recipe", metavar=name, help=what)
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="changes",
        help="change one value of the recipe, for example --set 'models[1].parameters.weight=0.4'; of several documents, "
        "of the one that makes the output",
    )  # fmt: skip
    parser.add_argument("--seed", "--random-seed", type=int, help="seed of the random methods, instead of the recipe's")


def _add_mismatch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-crimes", action=_YesNo,
        help="merge models of different shapes: cut longer vocabularies to the base's rows, leave a model out of all other "
        "tensors that do not fit the base's (on_mismatch: crop+skip)",
    )  # fmt: skip
    parser.add_argument(
        "--unsafe-truncate-embeddings", action=_YesNo,
        help="cut vocabularies to the rows that all models have (on_mismatch: crop); assumes that the ids mean the same tokens",
    )  # fmt: skip


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument("out", metavar="OUT", help="the new file, or the adapter's new folder")
    export.add_argument(
        "--kind", metavar="KIND",
        help="f16, bf16, f32; q8_0 (default: half of f16), q5_1, q5_0, q4_1, q4_0; with llama.cpp's library "
        "(pip install xllamacpp) also q6_k, q5_k_m, q4_k_m",
    )  # fmt: skip
    export.add_argument("--name", default="", help="what programs call the model (default: the folder's or the file's name)")
    export.add_argument("--modelfile", action=_YesNo, default=True, help="write an Ollama Modelfile beside it (default)")
    export.add_argument("--device", default="cpu", help="cpu (default), cuda, or auto for the fastest there is")
    export.add_argument("--memory", metavar="SIZE", help="take at most this much memory beside the mapped files, for example 2GB")
    export.add_argument("-j", "--num-threads", type=int, metavar="N", help="CPU threads; the result does not depend on them")
    export.add_argument("--allow-nonfinite", action=_YesNo, help="go on where numbers are NaN or infinite")
    export.add_argument("-q", "--quiet", action=_YesNo, help="no progress bar, no notes")


def _add_sweep(sweep: argparse.ArgumentParser) -> None:
    sweep.add_argument(
        "--vary", action="append", required=True, metavar="PATH=LOW:HIGH:STEPS", dest="varied",
        help="a value to vary, for example 'models[0].parameters.weight=0:1:5' or 'merge_method=[ties, dare_ties]'; PATH*=0:2:5 "
        "multiplies what stands there, a whole curve too. Given twice or more: every combination",
    )  # fmt: skip
    sweep.add_argument(
        "--probes", required=True, metavar="FILE", type=_path,
        help="lines `prompt => expected answer` or `prompt ~> words in it`, under [skill] lines; or JSON as presets/probes.json",
    )  # fmt: skip
    sweep.add_argument("--skills", metavar="A,B", help="only these skills of the file")
    sweep.add_argument("--half", default="choose", help="which half of a JSON file: choose (default) or score")
    sweep.add_argument("--questions", type=int, metavar="N", help="at most so many probes of each skill")
    sweep.add_argument("--ask", action="append", default=[], metavar="PROMPT", help="ask this too; not scored, in the results")
    sweep.add_argument("--how", choices=("grid", "random", "evolve"), default="grid", help="which points are tried")
    sweep.add_argument("--trials", type=int, default=24, metavar="N", help="how many, for random and evolve (default 24)")
    sweep.add_argument("--draw", type=int, default=0, metavar="SEED", help="seed of random and evolve (default 0)")
    machines.add(sweep, "try on a Ray cluster, --workers N at a time")
    sweep.add_argument(
        "--workers", type=_count, metavar="N", help="with --ray: trials at a time (default: the cluster's processors)"
    )
    sweep.add_argument("--device", help=SPEAKS)
    sweep.add_argument("--out", metavar="FILE", type=_path, help="write every trial with its recipe and answers, as JSON")
    sweep.add_argument(
        "--store", metavar="FILE", type=_path,
        help="keep the trials in this SQLite file: the next time only what is missing is asked, and `tune --search --store` "
        "begins with the best of them (pip install 'merge-explorer[search]')",
    )  # fmt: skip
    sweep.add_argument("--best", metavar="FILE", type=_path, help="write the best recipe as YAML")


def _add_judge(judge: argparse.ArgumentParser) -> None:
    judge.add_argument(
        "--questions", metavar="FILE", type=_path,
        help="lines `prompt => answer`, `prompt ~> words in it`, `prompt /> pattern`, `prompt ?> right | wrong`, or a prompt "
        "alone for what the parents say; or .csv, .jsonl, .json, or lm-eval's task .yaml with local documents",
    )  # fmt: skip
    judge.add_argument(
        "--texts", metavar="FILE", type=_path, action="append",
        help="measure bits per byte of this text instead of the four that come with the program",
    )  # fmt: skip
    judge.add_argument("--no-texts", action="store_true", help="measure no texts")
    judge.add_argument("--against", metavar="RECIPE", action="append", default=[], help="compare with this recipe or model too")
    judge.add_argument("--tasks", metavar="A,B", help="let lm-eval judge by these tasks; needs pip install '.[evals]'")
    judge.add_argument(
        "--include-path", metavar="DIR", type=_path, help="a folder with lm-eval task files; code they name is run"
    )
    judge.add_argument("--limit", type=int, metavar="N", help="at most so many questions of each skill or task")
    judge.add_argument(
        "--chat", action=argparse.BooleanOptionalAction,
        help="put the chat template around the prompts (default for questions of one's own, not for lm-eval's)",
    )  # fmt: skip
    judge.add_argument("--draw", type=int, default=0, metavar="SEED", help="seed of the intervals and of lm-eval (default 0)")
    judge.add_argument("--device", default="cpu", help=SPEAKS)
    judge.add_argument("--stream", action="store_true", help="one layer at a time, for models larger than the memory")
    judge.add_argument(
        "--memory", metavar="SIZE",
        help="with --stream: texts may take so much on their way through the layers (default 512MB); the more, the more answers "
        "are written in one pass",
    )  # fmt: skip
    judge.add_argument(
        "--answer-tokens", type=int, default=160, metavar="N",
        help="tokens of an answer in which words or a pattern are looked for (default 160); with --stream each is a pass",
    )  # fmt: skip
    judge.add_argument("--json", action="store_true", help="print everything for a program")
    judge.add_argument("--card", metavar="FOLDER", type=_path, help="write the figures into the card of this model's folder")


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"a number from 1 to 1024, please; got {text[:40]!r}")
    return int(text)


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--host", metavar="NAME", default="127.0.0.1", help="where to listen (default: this computer only)")
    serve.add_argument("--port", type=_port, default=8000, help="the port (default 8000)")
    serve.add_argument("--device", default="cpu", help=SPEAKS)
    serve.add_argument(
        "--watch", action=argparse.BooleanOptionalAction, default=True,
        help="read the recipe again when its file has changed (default)",
    )  # fmt: skip
    serve.add_argument(
        "--key", metavar="SECRET", help="what programs must show as their API key (default: the variable MERGER_KEY, or none)"
    )
    serve.add_argument("--open", action="store_true", help="let everybody ask who reaches --host, without a key")
    serve.add_argument(
        "--voice", choices=("auto", "model", "llama"), default="auto",
        help="who speaks: the model in memory, llama.cpp with the parents on disk, or (default) the first where it fits",
    )  # fmt: skip
    serve.add_argument("--num-threads", type=_threads, default=1, metavar="N", help="threads of llama.cpp (default 1)")


def _add_tune(tune: argparse.ArgumentParser) -> None:
    tune.add_argument(
        "--keep", metavar="WHAT", help="'what each parent says' (default: nobody need write answers) or 'what the questions want'"
    )  # fmt: skip
    tune.add_argument(
        "--prompts", metavar="FILE", type=_path,
        help="prompts, one on each line, below a line [model] for each model's own; those above any go to the model whose "
        "answer is most its own. Without it: the prompts of the family that comes with the program",
    )  # fmt: skip
    tune.add_argument(
        "--questions",
        metavar="FILE",
        type=_path,
        help="prompts with wanted answers or choices, as `judge --questions` takes them",
    )
    tune.add_argument("--half", default="choose", help="which half of a JSON file of questions: choose (default) or score")
    tune.add_argument("--most", type=_count, metavar="N", help="at most so many prompts or questions of each")
    tune.add_argument("--seconds", type=_seconds, default=60.0, metavar="S", help="end after so many seconds (default 60)")
    tune.add_argument(
        "--lock", action="append", default=[], metavar="BARS", dest="locks",
        help="bars that stay: models[0], layers=0-5 or models[0],layers=0-5; may be given again",
    )  # fmt: skip
    tune.add_argument("--bars", action="append", metavar="NAME", help="the parameters that move (default: the weights)")
    tune.add_argument("--draw", type=int, default=0, metavar="SEED", help="seed of the order of prompts (default 0)")
    tune.add_argument("--device", help=SPEAKS)
    tune.add_argument(
        "--search", action="store_true",
        help="search methods, models, densities and layers instead, with Optuna (pip install 'merge-explorer[search]')",
    )  # fmt: skip
    tune.add_argument("--methods", metavar="A,B", help="of a search: these methods only")
    tune.add_argument("--sampler", default="tpe", help="of a search: tpe (default), cmaes, or nsga2 for several skills at once")
    tune.add_argument("--trials", type=_count, default=200, metavar="N", help="of a search: at most so many in all (default 200)")
    tune.add_argument("--workers", type=_count, default=1, metavar="N", help="of a search: processes beside each other")
    machines.add(tune, "of a search: try on a Ray cluster, --workers N at a time")
    tune.add_argument("--store", metavar="FILE", type=_path, help="of a search: an SQLite file, where it goes on tomorrow")
    tune.add_argument("--json", action="store_true", help="print everything for a program, each trial of a search too")
    tune.add_argument("-o", "--out", metavar="FILE", type=_path, help="write the better recipe here instead of to stdout")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: write a whole number of at least 1.")
    return int(text)


def _seconds(text: str) -> float:
    seconds = to_number(text)
    if seconds is None or not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: write a number of seconds above 0.")
    return seconds


def _path(text: str) -> Path:
    """A path as an option gives it; `--out=~/x` reaches us with its `~`."""
    if scheme_of(text):
        raise argparse.ArgumentTypeError(f"{keyless(text)}: is an address; write the path of a file or folder on this machine.")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text}: there is no such home folder; write the whole path.") from None


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text}: a port is a whole number from 1 to 65535.")
    return int(text)


_ONE_FILE = "1000000000GB"
# Options of mergekit-yaml that change nothing here, each with the reason.
_ALREADY = {
    "--trust-remote-code": "accepted; code from a model's folder is never run",
    "--low-cpu-memory": "always so: one tensor is in memory at a time, and the files are mapped, not loaded",
    "--read-to-gpu": "always so with --cuda: tensors go from the mapped file to the GPU",
    "--multi-gpu": "accepted; one GPU is used, reading the files is what takes the time",
    "--lazy-unpickle": "always so: only the tensor at hand is read",
    "--async-write": "accepted; each tensor goes straight to its place in the file, nothing collects in memory",
    "--clone-tensors": "always so: every tensor of the output is its own",
}


def _add_mergekit(merge: argparse.ArgumentParser) -> None:
    """The output folder and the options of mergekit-yaml 0.1.5."""
    merge.add_argument(
        "out", metavar="OUT", nargs="?", help="the new model's folder, here or in a store (s3://bucket/folder); new or empty"
    )
    merge.add_argument("--dry-run", action="store_true", help="print the verdict and write nothing")
    _add_mismatch(merge)
    merge.add_argument("--device", help="cpu (default), cuda, cuda:1, or auto for the fastest there is")
    merge.add_argument("--cuda", action=_YesNo, help="the same as --device cuda")
    merge.add_argument("--gpu-rich", action="store_true", help="the same as --device cuda")
    merge.add_argument(
        "--out-shard-size", default="5GB", metavar="SIZE",
        help="largest file: 5GB in bytes (default), 1B in parameters, 0 for one file",
    )  # fmt: skip
    merge.add_argument("--memory", metavar="SIZE", help="take at most this much memory beside the mapped files, for example 2GB")
    merge.add_argument(
        "--part", metavar="N/COUNT", help="make only every COUNT-th file of the output, for several machines; then --join"
    )
    merge.add_argument("--join", action="store_true", help="put together what the parts have made")
    machines.add(merge, "make all parts on a Ray cluster whose machines share a folder, and put them together")
    machines.add_ranges(merge)
    merge.add_argument(
        "--allow-nonfinite", action=_YesNo,
        help="go on where a model's numbers, or what is made of them, are NaN or infinite; the notes and the card say where",
    )  # fmt: skip
    merge.add_argument("--copy-tokenizer", action=_YesNo, default=True, help="copy the base's tokenizer (default)")
    merge.add_argument(
        "--write-model-card", action=_YesNo, default=True, help="write README.md and mergekit_config.yml (default)"
    )
    merge.add_argument("--safe-serialization", action=_YesNo, default=True, help="always so: the output is safetensors")
    merge.add_argument("-q", "--quiet", action=_YesNo, help="no progress bar, no notes")
    merge.add_argument("-v", "--verbose", action="count", default=0, help="print the whole verdict before merging")
    merge.add_argument(
        "--strict", action="store_true", help="refuse to merge where the verdict has a warning; without it, warnings are printed"
    )  # fmt: skip
    merge.add_argument("-j", "--num-threads", type=int, metavar="N", help="CPU threads; the result does not depend on them")
    merge.add_argument("--transformers-cache", metavar="DIR", help="where models of the Hub are kept")
    already = merge.add_argument_group("options of mergekit-yaml that need nothing here")
    for name, reason in _ALREADY.items():
        already.add_argument(name, action=_YesNo, help=reason)
    already.add_argument("--write-threads", type=int, metavar="N", help="accepted; writing keeps up with one")
    already.add_argument("--lora-merge-cache", metavar="DIR", help="accepted; a LoRA is applied while reading, without a cache")
    already.add_argument("--lora-merge-dtype", metavar="DTYPE", help="accepted; a LoRA is applied in float32 or better")


class _YesNo(argparse.BooleanOptionalAction):
    """--x / --no-x, off unless said otherwise; the default stays out of the help."""

    def __init__(self, option_strings: Sequence[str], dest: str, default: bool = False, **rest: Any) -> None:
        super().__init__(option_strings, dest, default, **rest)


def _recipe(options: argparse.Namespace) -> Recipe:
    recipe = load_file(options.recipe)
    changes: dict[str, object] = {}
    for change in options.changes:
        path, equals, value = change.partition("=")
        if not equals:
            raise MergeError(f"--set {change}: write PATH=VALUE, for example models[1].parameters.weight=0.4.")
        changes[path.strip()] = parse_value(value, f"--set {path.strip()}")
    if options.seed is not None:
        changes["seed"] = options.seed
    recipe = replace_all(recipe, changes) if changes else recipe
    if options.allow_crimes or options.unsafe_truncate_embeddings:
        return tolerant(recipe, "crop+skip" if options.allow_crimes else "crop")
    return recipe


def _merge(options: argparse.Namespace) -> None:
    if not options.safe_serialization:
        raise MergeError(
            "--no-safe-serialization: .bin files are pickles, which run code when they are loaded; the output is safetensors."
        )
    if options.out is None and not options.dry_run:
        raise MergeError("name the new model's folder: merger merge RECIPE OUT. To look first: merger merge RECIPE --dry-run.")
    recipe = _recipe(options)
    if options.transformers_cache is not None:
        os.environ["HF_HUB_CACHE"] = options.transformers_cache  # read when the Hub's library is first imported
    from merger.engine.batch import use_threads
    from merger.engine.document import open_models
    from merger.engine.journal import parse_part

    machines.check(options)
    part, memory = parse_part(options.part) if options.part else None, _memory(options)
    out: str | Path = "" if options.dry_run else machines.output(options)
    if options.num_threads is not None:
        use_threads(options.num_threads)
    if options.dry_run or options.verbose:
        models = open_models(recipe, opener=machines.opener(options))
        plan = _judged(recipe, models)
        if options.dry_run:
            from merger.engine.loadable import check

            for remark in check(plan, models):
                print(f"\n  note: {remark}")
    if options.strict or not (options.quiet or options.dry_run or options.verbose or options.join):
        _warned(recipe, options)
    if options.dry_run:
        return
    device = options.device or ("cuda" if options.cuda or options.gpu_rich else "cpu")
    started = time.monotonic()
    with _Bar(options.quiet) as bar:
        done = machines.merge(
            options, recipe, out, bar.show, device,
            shard_size=_ONE_FILE if re.fullmatch(r"-.*|0+", options.out_shard_size) else options.out_shard_size,
            tokenizer=options.copy_tokenizer, card=options.write_model_card,
            workers=options.num_threads, memory=memory,
            allow_nonfinite=options.allow_nonfinite,
        )  # fmt: skip
    for remark in done.remarks if not options.quiet else ():
        print(f"note: {remark}", file=sys.stderr)
    if part is not None and part.count > 1:
        print(f"part {options.part} is done, in {out}.partial. After the last one: the same command with --join.")
        return
    load = "Copy it to a folder to load it" if scheme_of(out) else "Load it"
    print(
        f"{out}: {len(done.jobs)} tensors, {format_bytes(done.nbytes)}, {time.monotonic() - started:.1f} s. "
        f"{load} with transformers: AutoModelForCausalLM.from_pretrained({'FOLDER' if scheme_of(out) else str(out)!r})"
    )


def _export(options: argparse.Namespace) -> int:
    if export_lora.wanted(options):
        return _export_lora(options)
    from merger.cli import export

    with _Bar(options.quiet) as bar:
        export.run(options, lambda: _recipe(options), _memory(options), bar.show)
    return 0


def _memory(options: argparse.Namespace) -> int | None:
    if options.memory is None:
        return None
    size, parameters = parse_size(options.memory, "--memory")
    if parameters:
        raise MergeError(f"--memory {options.memory}: write bytes, for example 2GB.")
    return size


def _judged(recipe: Recipe, models: "Mapping[str, Checkpoint]") -> "Plan":
    """The plan, with its verdict on stdout. What would be refused is judged as --allow-crimes would do it, then refused."""
    from merger.engine.plan import make_plan
    from merger.files.prefixes import aligned
    from merger.inspect.verdict import verdict

    for document in recipe.earlier:
        seen = aligned(document, models)
        print(f"{document.name}:\n{verdict(document, seen, make_plan(document, seen))}\n")
    try:
        plan = make_plan(recipe, models)
    except CheckpointError:
        with contextlib.suppress(MergeError):
            allowed = tolerant(recipe, "crop+skip")
            print(verdict(allowed, models, make_plan(allowed, models)))
            print("\nThis is what --allow-crimes would do; without it:", flush=True)
        raise
    print(verdict(recipe, models, plan))
    return plan


def _warned(recipe: Recipe, options: argparse.Namespace) -> None:
    """What speaks against the merge, on stderr, before it starts. --strict: MergeError where anything does."""
    from merger.engine.document import open_models
    from merger.engine.plan import make_plan
    from merger.inspect.verdict import verdict

    models = open_models(recipe, opener=machines.opener(options))
    against = 0
    for document in (*recipe.earlier, recipe):
        for finding in verdict(document, models, make_plan(document, models)).findings:
            if finding.level != "note":
                against += 1
                print(f"{finding.level}: {finding.words}{f' {finding.fix}' if finding.fix else ''}", file=sys.stderr)
    if options.strict and against:
        raise MergeError(
            f"--strict: {against} thing{'s speak' if against > 1 else ' speaks'} against this merge; nothing was merged."
        )


class _Bar:
    """Progress on stderr: tensors, bytes, time left. tqdm arrives with huggingface_hub."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet or not sys.stderr.isatty()
        self._bar: Any = None

    def __enter__(self) -> "_Bar":
        return self

    def show(self, step: object) -> None:
        """Called by merge after each tensor."""
        from tqdm import tqdm

        from merger.engine.batch import Step

        assert isinstance(step, Step)
        if self._quiet:
            return
        if self._bar is None:
            self._bar = tqdm(total=step.of_nbytes, unit="B", unit_scale=True, file=sys.stderr, leave=False)
        self._bar.set_postfix_str(f"{step.tensors}/{step.of_tensors} tensors", refresh=False)
        self._bar.update(step.nbytes - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _inspect(options: argparse.Namespace) -> None:
    recipe = _recipe(options)
    from merger.engine.document import open_models, reader
    from merger.inspect.analysis import Sketch, combine, damaged, facts, has_deltas, measure, sampled_share

    models = open_models(recipe, opener=machines.opener(options))
    plan = _judged(recipe, models)
    print(f"\n{recipe.merge_method}: {recipe.method.says} ({recipe.method.source})")
    for reference in recipe.references:
        kind = "base " if reference == recipe.base_model else "model"
        print(f"  {kind} {reference}: {len(models[reference].tensors)} tensors, {format_bytes(models[reference].nbytes)}")
    print(f"  output {len(plan.jobs)} tensors, {format_bytes(plan.nbytes)}; config and tokenizer from {plan.config_source}")
    print(f"  layers {plan.layout.layers} ({plan.layout.main or 'no numbered layers found'})")
    sketch = Sketch(models)
    damage = list(damaged(plan.jobs, reader(models) if options.exact else sketch.read))
    for source, of in damage[:20]:
        where = of.place if options.exact else f" in a sample of {of.numel:,} numbers"
        print(f"  warning: {source.model} has {of} in {source.name}{where}")
    if len(damage) > 20:
        print(f"  warning: {len(damage) - 20} more tensors have such numbers")
    jobs = [job for job in plan.jobs if has_deltas(job)]
    if not jobs:
        print("\nNo base model, so there are no deltas to measure. Name one with `base_model:`.")
        return
    if options.exact:
        read = reader(models)
        stats = [measure(job, read, plan.layout, known=facts(job, read)) for job in jobs]
    else:
        stats = list(sketch.measure(jobs, plan.layout))
        if sampled_share(jobs):
            print("  numbers below are estimated from 2,048 weights of each tensor; --exact measures all")
    known = {model for s in stats for model in s.models}
    listed = tuple(reference for reference in recipe.references if reference in known)
    names = ", ".join(f"[{i}] {name}" for i, name in enumerate(listed))
    print(f"\n{names}\n")
    n = len(listed)
    each = "".join(f"  {f'size[{i}]':>7} {f'keep[{i}]':>7} {f'used[{i}]':>7} {f'share[{i}]':>8}" for i in range(n))
    print(f"{'':<28} {'numel':>12} {'conflict':>8} {'before':>7}{each}   moved")
    groups: dict[object, list[int]] = {}
    for i, s in enumerate(stats):
        label = s.name if options.tensors else f"layer {s.layer + 1}" if s.layer is not None else s.role
        groups.setdefault(label, []).append(i)
    for label, members in groups.items():
        _print_stats(combine([stats[i] for i in members], str(label), listed))
    whole = combine(stats, "whole model", listed)
    _print_stats(whole)
    if whole is not None and n > 1:
        print("\ncosine between deltas")
        for i in range(n):
            print("  " + "  ".join(f"{whole.cosine(i, j):6.3f}" for j in range(n)))


def _print_stats(stats: object) -> None:
    from merger.inspect.analysis import TensorStats

    assert isinstance(stats, TensorStats)
    row = f"{stats.name[-28:]:<28} {stats.facts.numel:>12,} {stats.conflict:>8.1%} {stats.conflict_before:>7.1%}"
    for i in range(len(stats.models)):
        row += f"  {stats.size[i]:>7.4f} {stats.density[i]:>7.1%} {stats.effective[i]:>7.1%} {stats.share[i]:>8.1%}"
    print(f"{row}  {stats.moved:.4f}")


def _sweep(options: argparse.Namespace) -> None:
    recipe = _recipe(options)
    machines.ready(options)
    from merger.engine.session import Parents
    from merger.kernels.devices import best_device
    from merger.search import trials as search

    varied = [search.read_vary(text) for text in options.varied]
    probes = search.read_probes(options.probes, options.half)
    if options.skills:
        wanted, known = [skill.strip() for skill in options.skills.split(",")], {probe.skill for probe in probes}
        for skill in wanted:
            if skill not in known:
                raise MergeError(f"--skills {skill}: {options.probes} has {', '.join(sorted(known))}.{nearest(skill, known)}")
        probes = tuple(probe for probe in probes if probe.skill in wanted)
    if options.questions is not None:
        probes = search.fewer(probes, max(1, options.questions))
    if options.trials < 1:
        raise MergeError(f"--trials {options.trials}: at least 1, please.")
    device = best_device() if options.device == "auto" else options.device or "cpu"
    runner = search.Runner(Parents(device, [Path.cwd()]))  # whole paths, for machines that work elsewhere
    total = search.count(varied) if options.how == "grid" else options.trials
    strategy = {
        "grid": lambda: search.grid(varied),
        "random": lambda: search.chance(varied, options.trials, options.draw),
        "evolve": lambda: search.evolve(varied, options.trials, options.draw),
    }[options.how]()
    kept = None
    if options.store is not None:
        from merger.search import store

        stamp = store.stamp(runner.parents.open(recipe))
        kept = store.Sweeps(options.store, recipe, varied, probes, options.ask, stamp)
    marks = dict(runner.marks(search.alone(recipe), probes))
    trials: list[search.Trial] = []
    started = time.monotonic()
    with contextlib.suppress(KeyboardInterrupt), machines.mapper(options, device) as mapper:  # what was tried until then is told
        known = kept.known if kept is not None else lambda _: None
        for trial in search.sweep(recipe, varied, runner, probes, options.ask, strategy=strategy, mapper=mapper, known=known):
            trials.append(trial)
            if kept is not None:
                kept.keep(trial)
            if sys.stderr.isatty():
                left = (time.monotonic() - started) / len(trials) * (total - len(trials))
                print(f"\r{len(trials)} of {total}, {left:.0f} s left ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    if not trials:
        raise MergeError("stopped before the first trial was done.")
    if all(trial.note for trial in trials):
        raise MergeError(f"none of {len(trials)} trials could be merged. The first: {trials[0].note}")
    ranked = search.best_first(trials)
    _print_trials([vary.name for vary in varied], marks, ranked)
    if options.out is not None:
        _write(options.out, search.as_json(recipe, varied, marks, trials))
    if options.best is not None:
        _write(options.best, ranked[0].text)


def _export_lora(options: argparse.Namespace) -> int:
    try:
        with _Bar(options.quiet) as bar:
            said = export_lora.run(options, lambda: _recipe(options), bar.show)
    except KeyboardInterrupt:
        print("\nStopped; nothing was written.", file=sys.stderr)
        return 130
    print(said)
    return 0


def _tune(options: argparse.Namespace) -> None:
    recipe = _recipe(options)
    from merger.cli import tune

    tune.write(options.out, tune.run(recipe, options), options.json)


def _kin(options: argparse.Namespace) -> None:
    from merger.cli import kin

    print(kin.run(options))


def _publish(options: argparse.Namespace) -> int:
    from merger.cli import publish

    return publish.run(options)


def _doctor(options: argparse.Namespace) -> int:
    from merger.cli import doctor

    if not options.folder.is_dir():
        raise MergeError(f"{options.folder}: is no folder; name the folder that a merge was written to.")

    def tell(what: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{what} ...{' ' * 20}", end="", file=sys.stderr, flush=True)

    diagnosis = doctor.examine(options.folder, ask=options.ask, progress=tell)
    if sys.stderr.isatty():
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    print(doctor.as_json(diagnosis) if options.json else diagnosis)
    if options.fix is not None:
        mended = doctor.mend(diagnosis, options.fix)
        print(f"{options.fix}: a copy in which {len(mended)} of {len(diagnosis.ailments)} findings are mended.", file=sys.stderr)
    elif not diagnosis.sound:
        return 2
    return 0


def _judge(options: argparse.Namespace) -> int:
    from merger.cli import judge

    if options.limit is not None and options.limit < 1:
        raise MergeError(f"--limit {options.limit}: at least 1, please.")
    tasks = tuple(task.strip() for task in (options.tasks or "").split(",") if task.strip())
    if options.include_path is not None and not tasks:
        raise MergeError("--include-path: names where --tasks are; write --tasks NAME too.")
    if not 1 <= options.answer_tokens <= LENGTH_TOKENS:
        raise MergeError(f"--answer-tokens {options.answer_tokens}: 1 to {LENGTH_TOKENS:,}, please.")
    if options.memory is not None and not options.stream:
        raise MergeError("--memory: is what texts may take on their way through a model that is streamed; write --stream too.")
    if options.no_texts and options.texts:
        raise MergeError("give either --texts or --no-texts.")
    if options.no_texts and options.questions is None and not tasks:
        raise MergeError("nothing to judge by: give --questions, --texts or --tasks.")
    texts = () if options.no_texts else None if options.texts is None else tuple(options.texts)
    asked = judge.Asked(
        judge.target(options.recipe, lambda: _recipe(options)), options.recipe, options.questions, texts, tuple(options.against),
        tasks, options.include_path, options.limit, options.chat, options.device, options.draw, options.card,
        options.stream, options.answer_tokens, _memory(options) or 0,
    )  # fmt: skip
    return judge.run(asked, options.json)


def _serve(options: argparse.Namespace) -> int:
    _recipe(options)  # refused before anything else is loaded
    from merger.cli import serve

    key = os.environ.get("MERGER_KEY", "") if options.key is None else options.key
    asked = serve.Served(
        _path(options.recipe), lambda: _recipe(options), options.host, options.port, options.device, options.watch, key,
        options.open, options.voice, options.num_threads,
    )  # fmt: skip
    return serve.run(asked)


def _print_trials(names: Sequence[str], marks: "Mapping[str, Mapping[str, float]]", ranked: "Sequence[Trial]") -> None:
    """A table: the trials, best first, then what each model can do alone."""
    skills = list(ranked[0].scores)
    rows = [[*map(str, t.point), *_cells(t.scores, skills), t.note.split("\n")[0]] for t in ranked]
    rows += [[f"{model} alone", *[""] * (len(names) - 1), *_cells(scores, skills), ""] for model, scores in marks.items()]
    table = [[*names, *skills, "mean", ""], *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        cells = [cell.ljust(w) if i < len(names) else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
        print("  ".join([*cells[:-1], row[-1]]).rstrip())


def _cells(scores: "Mapping[str, float]", skills: Sequence[str]) -> list[str]:
    listed = [scores[skill] for skill in skills if skill in scores]
    return [*(f"{v:.2f}" for v in listed), f"{sum(listed) / len(listed):.2f}"] if listed else ["-"] * (len(skills) + 1)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MergeError(f"{path}: cannot be written: {error.strerror}.") from None


def _methods(options: argparse.Namespace) -> None:
    if options.name is None:
        for method in METHODS.values():
            print(f"{method.name:<18} {method.says}\n{'':<18} {', '.join(p.name for p in method.params)}")
        return
    if options.name not in METHODS:
        raise MergeError(f"{options.name!r} is not a method. Known: {', '.join(METHODS)}.{nearest(options.name, METHODS)}")
    method = METHODS[options.name]
    print(f"{method.name}: {method.summary}\n  source: {method.source}")
    for param in method.params:
        default = "required" if param.required else f"default {str(param.default).lower()}"
        each = ", per model" if param.per_model else ""
        print(f"  {param.name}: {param} ({default}{each})\n      {param.help}")


def _page(options: argparse.Namespace) -> None:
    given = {"GRADIO_SERVER_NAME": options.host, "MERGER_DEVICE": options.device, "HOSTED": options.hosted or options.share}
    if options.store is not None:
        from merger.search.store import optuna

        if options.hosted or options.share:
            raise MergeError("page --store: a hosted page keeps nothing; leave --store away, or --hosted and --share.")
        optuna()
        given["MERGER_TRIALS"] = options.store.absolute()
    os.environ.update({name: str(value) for name, value in given.items() if value})  # read where gradio and the page start
    if options.host or options.port:
        _check_free(options.host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1", options.port or 0)
    print("Merge explorer: loading the libraries…", flush=True)
    gc.disable()  # as app.py; `page` goes on with it
    from merger.ui.serve import page, serve  # gradio: for this command only

    serve(page(), options.host, options.port, options.share, options.open)


def _check_free(host: str, port: int) -> None:
    """MergeError where nobody can listen; port 0: at any. Said before the page is built, and in fewer words than gradio has."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            if os.name == "posix":  # elsewhere this would let two listen at one port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        where = f"{host}, port {port}" if port else host
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise MergeError(f"the page cannot be served at {where}: {reason}. Name another --host or --port.") from None


if __name__ == "__main__":
    script()
