"""The command line: merge, inspect, methods. Each command calls one function of the engine."""

import argparse
import sys
import time
from collections.abc import Sequence

from merger.checkpoints import in_words
from merger.errors import MergeError
from merger.methods import METHODS
from merger.recipe import Recipe, load_file, parse_value, replace_all


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 the user's input was refused, 130 stopped."""
    options = _parser().parse_args(argv)
    try:
        options.run(options)
    except MergeError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; nothing half-written is left.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `merger inspect r.yaml | head`
        sys.stderr.close()
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="merger", description="Merge language models by arithmetic on their weights.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    merge = commands.add_parser("merge", help="merge models into a new folder")
    _add_recipe(merge)
    merge.add_argument("out", metavar="OUT", help="the new model's folder; must be new or empty")
    merge.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    merge.add_argument(
        "--out-shard-size", default="5GB", metavar="SIZE", help="largest file: 5GB in bytes (default), 1B in parameters"
    )
    merge.add_argument("--quiet", action="store_true", help="no progress bar")
    merge.set_defaults(run=_merge)

    inspect = commands.add_parser("inspect", help="show the plan and the deltas' statistics; writes nothing")
    _add_recipe(inspect)
    inspect.add_argument("--exact", action="store_true", help="measure every weight, not a sample of each tensor")
    inspect.add_argument("--tensors", action="store_true", help="list every tensor's sources and numbers")
    inspect.set_defaults(run=_inspect)

    methods = commands.add_parser("methods", help="list the merge methods and their parameters")
    methods.add_argument("name", nargs="?", help="show one method in full")
    methods.set_defaults(run=_methods)
    return parser


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE", help="the recipe, a mergekit YAML file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="changes",
        help="change one value of the recipe, for example --set 'models[1].parameters.weight=0.4'",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, help="seed of the random methods, instead of the recipe's")


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
    return replace_all(recipe, changes) if changes else recipe


def _merge(options: argparse.Namespace) -> None:
    recipe = _recipe(options)
    from merger.merge import merge

    started = time.monotonic()
    with _Bar(options.quiet) as bar:
        done = merge(
            recipe, options.out, device=options.device, shard_size=options.out_shard_size, progress=bar.show
        )  # fmt: skip
    for remark in done.remarks:
        print(f"note: {remark}", file=sys.stderr)
    print(
        f"{options.out}: {len(done.jobs)} tensors, {in_words(done.nbytes)}, {time.monotonic() - started:.1f} s. "
        f"Load it with transformers: AutoModelForCausalLM.from_pretrained({str(options.out)!r})"
    )


class _Bar:
    """Progress on stderr: tensors, bytes, time left. tqdm arrives with huggingface_hub."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet or not sys.stderr.isatty()
        self._bar: object = None

    def __enter__(self) -> "_Bar":
        return self

    def show(self, step: object) -> None:
        """Called by merge after each tensor."""
        from tqdm import tqdm

        from merger.merge import Step

        assert isinstance(step, Step)
        if self._quiet:
            return
        if self._bar is None:
            self._bar = tqdm(total=step.of_nbytes, unit="B", unit_scale=True, file=sys.stderr, leave=False)
        bar = self._bar
        assert isinstance(bar, tqdm)
        bar.set_postfix_str(f"{step.tensors}/{step.of_tensors} tensors", refresh=False)
        bar.update(step.nbytes - bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()  # type: ignore[attr-defined]


def _inspect(options: argparse.Namespace) -> None:
    recipe = _recipe(options)
    from merger.analysis import Sketch, combine, facts, has_deltas, measure, sampled_share
    from merger.merge import open_models, reader
    from merger.plan import plan

    models = open_models(recipe)
    decided = plan(recipe, models)
    print(f"{recipe.merge_method}: {recipe.method.says} ({recipe.method.source})")
    for reference in recipe.references:
        kind = "base " if reference == recipe.base_model else "model"
        print(f"  {kind} {reference}: {len(models[reference].tensors)} tensors, {in_words(models[reference].nbytes)}")
    print(f"  output {len(decided.jobs)} tensors, {in_words(decided.nbytes)}; config and tokenizer from {decided.donor}")
    print(f"  layers {decided.layout.layers} ({decided.layout.main or 'no numbered layers found'})")
    for remark in decided.remarks:
        print(f"  note: {remark}")
    jobs = [job for job in decided.jobs if has_deltas(job)]
    if not jobs:
        print("\nNo base model, so there are no deltas to measure. Name one with `base_model:`.")
        return
    if options.exact:
        read = reader(models)
        stats = [measure(job, read, decided.layout, known=facts(job, read)) for job in jobs]
    else:
        stats = list(Sketch(models).measure(jobs, decided.layout))
        if sampled_share(jobs):
            print("  numbers below are estimated from 2,048 weights of each tensor; --exact measures all")
    names = ", ".join(f"[{i}] {name}" for i, name in enumerate(stats[0].models))
    print(f"\n{names}\n")
    n = len(stats[0].models)
    each = "".join(f"  {f'size[{i}]':>7} {f'keep[{i}]':>7} {f'used[{i}]':>7} {f'share[{i}]':>8}" for i in range(n))
    print(f"{'':<28} {'numel':>12} {'conflict':>8} {'before':>7}{each}   moved")
    groups: dict[object, list[int]] = {}
    for i, s in enumerate(stats):
        label = s.name if options.tensors else f"layer {s.layer + 1}" if s.layer is not None else s.role
        groups.setdefault(label, []).append(i)
    for label, members in groups.items():
        _print_stats(combine([stats[i] for i in members], str(label)))
    whole = combine(stats, "whole model")
    _print_stats(whole)
    if whole is not None and n > 1:
        print("\ncosine between deltas")
        for i in range(n):
            print("  " + "  ".join(f"{whole.cosine(i, j):6.3f}" for j in range(n)))


def _print_stats(stats: object) -> None:
    from merger.analysis import TensorStats

    assert isinstance(stats, TensorStats)
    row = f"{stats.name[-28:]:<28} {stats.facts.numel:>12,} {stats.conflict:>8.1%} {stats.conflict_before:>7.1%}"
    for i in range(len(stats.models)):
        row += f"  {stats.size[i]:>7.4f} {stats.density[i]:>7.1%} {stats.effective[i]:>7.1%} {stats.share[i]:>8.1%}"
    print(f"{row}  {stats.moved:.4f}")


def _methods(options: argparse.Namespace) -> None:
    if options.name is None:
        for method in METHODS.values():
            print(f"{method.name:<18} {method.says}\n{'':<18} {', '.join(p.name for p in method.params)}")
        return
    if options.name not in METHODS:
        from merger.errors import nearest

        raise MergeError(f"{options.name!r} is not a method. Known: {', '.join(METHODS)}.{nearest(options.name, METHODS)}")
    method = METHODS[options.name]
    print(f"{method.name}: {method.summary}\n  source: {method.source}")
    for param in method.params:
        default = "required" if param.required else f"default {str(param.default).lower()}"
        each = ", per model" if param.per_model else ""
        print(f"  {param.name}: {param} ({default}{each})\n      {param.help}")


if __name__ == "__main__":
    sys.exit(main())
