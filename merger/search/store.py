"""The file in which trials are kept: SQLite, as Optuna writes it. A search's are there (search/study.py), and a sweep's.

kept = Sweeps(Path("trials.db"), recipe, varied, probes, stamp=stamp(models))
for trial in sweep(recipe, varied, runner, probes, known=kept.known):
    kept.keep(trial)

Tomorrow only what is missing is asked, and a search in the same file begins with the best of them.
"""

import contextlib
import importlib
import math
from collections.abc import Generator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from merger.errors import MergeError
from merger.files.checkpoints import Checkpoint
from merger.recipe import Recipe
from merger.regular import look
from merger.search.trials import Answer, Probe, Trial, Vary
from merger.tokenizer.tokens import COMPANIONS

KIND = "sweep"
"""What a sweep's studies are marked with, beside a search's in the same file."""


def optuna() -> Any:
    """The package; MergeError where it is missing."""
    try:
        found = importlib.import_module("optuna")
    except ImportError:
        raise MergeError(
            "a search, or a file of trials, needs Optuna, which is not installed here: pip install 'merge-explorer[search]'."
        ) from None
    found.logging.set_verbosity(found.logging.ERROR)
    return found


def opened(file: Path, name: str, aims: Sequence[str], sampler: Any = None) -> Any:
    """A study in a file, begun where there is none. aims: minimize or maximize, for each value of a trial."""
    package = optuna()
    try:
        return package.create_study(
            study_name=name, storage=_storage(file), load_if_exists=True, sampler=sampler, directions=list(aims)
        )
    except MergeError:
        raise
    except Exception as error:  # whatever SQLAlchemy says of a file
        raise MergeError(f"{file}: is no file in which trials can be kept: {_first_line(error)}.") from None


def _storage(file: Path) -> Any:
    """A file as Optuna takes it, by its path alone: written as an address, a name with ?, % or { would be another file's.

    MergeError where it is another program's database, in which Optuna would make its tables.
    """
    sqlite, pool = importlib.import_module("sqlite3"), importlib.import_module("sqlalchemy.pool")
    path = file.absolute()
    if path.exists() and not path.is_file():
        raise MergeError(f"{file}: is no file; name one in which trials can be kept.")
    if path.is_file():
        with contextlib.closing(sqlite.connect(f"{path.as_uri()}?mode=ro", uri=True)) as looked:
            tables = {name for (name,) in looked.execute("select name from sqlite_master where type = 'table'")}
        if tables and not {"studies", "version_info"} <= tables:
            raise MergeError(f"{file}: is the database of another program; name a new file, or one that holds trials.")

    def connect() -> Any:
        return sqlite.connect(path, check_same_thread=False)

    return optuna().storages.RDBStorage("sqlite://", engine_kwargs={"creator": connect, "poolclass": pool.QueuePool})


@contextlib.contextmanager
def working(file: Path) -> Generator[None]:
    """MergeError where the file cannot be read or written: the disk is full, others hold it, or it is damaged."""
    faults = (
        optuna().exceptions.OptunaError, importlib.import_module("sqlalchemy.exc").SQLAlchemyError,
        importlib.import_module("sqlite3").Error,
    )  # fmt: skip
    try:
        yield
    except faults as error:
        raise MergeError(f"{file}: trials cannot be kept there: {_first_line(error.__cause__ or error)}.") from None
    except ValueError as error:
        if type(error).__module__ != "json.decoder":
            raise
        raise MergeError(f"{file}: holds what neither Optuna nor this program has written ({_first_line(error)}).") from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120].rstrip(".")


def stamp(models: Mapping[str, Checkpoint]) -> str:
    """What changes when the models do, as far as their files on this machine tell: a tokenizer or a template, too."""
    seen: list[object] = []
    for reference, model in sorted(models.items()):
        beside = [model.words / name for name in ("config.json", *COMPANIONS)]
        files = sorted({*beside, *(file for piece in model.pieces for file in piece.files)}, key=str)
        looked = [(file.name, look(file)) for file in files]
        seen.append((reference, [(name, one.size, one.changed) for name, one in looked if one is not None]))
    return sha256(repr(seen).encode()).hexdigest()[:16]


def _same(recipe: Recipe) -> list[str]:
    """By which a search knows the sweeps of its own models."""
    return [recipe.base_model or "", *(entry.model for entry in recipe.models if entry.model != recipe.base_model)]


class Sweeps:
    """The trials of sweeps of these parameters, by these questions, of these models, wherever the other bars stood."""

    def __init__(
        self, file: Path, recipe: Recipe, varied: Sequence[Vary], probes: Sequence[Probe], prompts: Sequence[str] = (),
        stamp: str = "",
    ) -> None:  # fmt: skip
        """prompts: also asked; stamp: of the models. MergeError where the file cannot hold trials, or Optuna is missing."""
        package = optuna()
        self._spans = {vary.name: _span(package, vary) for vary in varied}
        asked = repr((_same(recipe), sorted(self._spans), _listed(varied), tuple(probes), tuple(prompts), stamp))
        self._file = file
        self._study = opened(file, f"{KIND} {sha256(asked.encode()).hexdigest()[:16]}", ["maximize"])
        with working(file):
            self._study.set_user_attr("kind", KIND)
            self._study.set_user_attr("models", _same(recipe))
            self._there = {one.text: one for one in _trials(self._study)}

    def known(self, text: str) -> Trial | None:
        """What a recipe's text scored before; None where it was not asked."""
        return self._there.get(text)

    def keep(self, trial: Trial) -> None:
        """Write a trial down, once. One that failed is not kept, so that it is asked again."""
        if trial.note or trial.text in self._there:
            return
        self._there[trial.text] = trial
        numbers = optuna().distributions.FloatDistribution
        point = zip(self._spans.items(), trial.point, strict=True)
        answers = [[a.skill, a.prompt, a.said, a.right] for a in trial.answers]
        made = optuna().create_trial(
            params={name: float(value) if isinstance(span, numbers) else value for (name, span), value in point},
            distributions=self._spans, value=trial.mean,
            user_attrs={
                "recipe": trial.text, "point": list(trial.point), "scores": dict(trial.scores), "answers": answers,
                "seconds": trial.seconds,
            },
        )  # fmt: skip
        with working(self._file):
            self._study.add_trial(made)


def _span(package: Any, vary: Vary) -> Any:
    """What a parameter is to Optuna: a span of numbers, or some things."""
    numbers = [float(v) for v in vary.values if not isinstance(v, (bool, str))]
    if len(numbers) == len(vary.values) and min(numbers) < max(numbers):
        return package.distributions.FloatDistribution(min(numbers), max(numbers))
    return package.distributions.CategoricalDistribution(tuple(dict.fromkeys(vary.values)))


def _listed(varied: Sequence[Vary]) -> list[object]:
    """What Optuna wants to be the same in all trials of a study: the things, while spans may be others."""
    return [vary.values for vary in varied if any(isinstance(v, (bool, str)) for v in vary.values) or len(set(vary.values)) == 1]


def _trials(study: Any) -> list[Trial]:
    """A study's trials as sweeps have them; what others have written otherwise is none."""
    read = (_trial(trial.user_attrs) for trial in study.get_trials(deepcopy=False))
    return [one for one in read if one is not None]


def _trial(kept: Mapping[str, Any]) -> Trial | None:
    match kept:
        case {
            "recipe": str(text),
            "point": [*point],
            "scores": {**scores},
            "answers": [*answers],
            "seconds": int() | float() as time,
        }:
            pass
        case _:
            return None
    said = [Answer(*cast(list[Any], one)) for one in answers if isinstance(one, list) and len(cast(list[Any], one)) == 4]
    right = (
        all(type(value) in (int, float, str, bool) for value in point)
        and all(type(score) in (int, float) and math.isfinite(score) for score in scores.values())
        and all(isinstance(part, str) for one in said for part in (one.skill, one.prompt, one.said))
    )
    return Trial(text, tuple(point), scores, tuple(said), float(time)) if right and len(said) == len(answers) else None


def swept(file: Path, recipe: Recipe) -> list[Trial]:
    """What sweeps in a file have tried of a recipe's models, the best first; each recipe once."""
    package, found = optuna(), dict[str, Trial]()
    with working(file):
        storage = _storage(file)
        for study in package.get_all_study_summaries(storage, include_best_trial=False):
            if study.user_attrs.get("kind") == KIND and study.user_attrs.get("models") == _same(recipe):
                whole = package.load_study(study_name=study.study_name, storage=storage)
                found |= {one.text: one for one in _trials(whole)}
    return sorted(found.values(), key=lambda one: one.rank, reverse=True)


__all__ = ["Sweeps", "opened", "optuna", "stamp", "swept", "working"]
