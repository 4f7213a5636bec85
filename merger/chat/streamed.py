"""A model that is never whole in memory: each layer is made when a pass comes to it, and let go of behind it.

transformers' own forward runs, whatever kind of model it is: its layers, embeddings and head are put in place while they compute,
and are no numbers the rest of the time, so that a kind which uses them elsewhere computes none either, which is told. Many passes
go through a layer together, so that it is made once for all of them: each pass has a thread that waits at every layer for its
turn, and one thread, the caller's, computes them all.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from merger.chat.bind import Part, parts
from merger.chat.forward import Forward, Work
from merger.kernels.devices import give_back
from merger.limits import STREAMED_BYTES

T = TypeVar("T")
Make = Callable[[Sequence[str]], Mapping[str, Tensor]]
"""Gives tensors by their names in the model's files: merged, or read. They are the caller's, to be kept or let go of."""

Rows = Callable[[str], Iterator[tuple[int, Tensor]]]
"""Gives a matrix by its name, some rows at a time, as (number of the first, rows): the next overwrite them."""

_SMALL = 1 << 20
"""Bytes of what stays: norms, and what a model holds beside its layers."""
_LARGE = 1 << 23
_BY_ROWS = 1 << 27
"""Bytes of embeddings or a head from which they are made some rows at a time: a vocabulary can be more than many layers."""
_LOGITS = 1 << 28
"""Bytes of logits that are made of the rows of a head at once."""
_TOGETHER = 64
"""Passes that go through the layers together: each has a thread, which mostly waits."""


@dataclass
class Unit:
    """What is made and let go of at once: a layer, the embeddings, the head.

    matrix  of a file, of which it needs no more than some rows at a time; "" where it needs all
    """

    name: str
    parts: Sequence[Part]
    matrix: str = ""

    @property
    def nbytes(self) -> int:
        """What it takes."""
        return sum(part.nbytes for part in self.parts)


class _Stopped(BaseException):
    """Raised in a pass's thread where all is to end."""


class _Pass(threading.Thread):
    """A pass in the making: runs while the caller waits, and waits while the caller computes."""

    def __init__(self, place: int, run: Callable[[], Any], passes: "dict[int, _Pass]") -> None:
        super().__init__(daemon=True, name="merger streamed pass")
        self.place, self.unit, self.result = place, None, None
        self.unit: Unit | None
        self.error: BaseException | None = None
        self.ended = self.stopped = False
        self._run, self._passes = run, passes
        self._inference = torch.is_inference_mode_enabled()
        self._work: Callable[[], Any] = lambda: None
        self._answer: Any = None
        self._failed: BaseException | None = None
        self._go, self._here = threading.Semaphore(0), threading.Semaphore(0)

    def run(self) -> None:
        """The thread's own."""
        self._passes[threading.get_ident()] = self
        try:
            with torch.inference_mode() if self._inference else torch.no_grad():
                self.result = self._run()
        except BaseException as error:  # raised again where the caller waits
            self.error = error
        finally:
            del self._passes[threading.get_ident()]
            self.unit, self.ended = None, True
            self._here.release()

    def begin(self) -> None:
        """Go on to the first layer."""
        self.start()
        self._here.acquire()

    def ask(self, unit: Unit, work: Callable[[], Any]) -> Any:
        """In the pass's thread: have the unit compute, and wait until it has."""
        self.unit, self._work = unit, work
        self._here.release()
        self._go.acquire()
        if self.stopped:
            raise _Stopped
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise failed
        answer, self._answer = self._answer, None
        return answer

    @property
    def wants(self) -> "_ByRows":
        """What it computes with a matrix that comes row by row."""
        assert isinstance(self._work, _ByRows)
        return self._work

    def compute(self) -> None:
        """In the caller's thread: compute what is asked for, and let the pass go on to its next layer, or its end."""
        work, self._work = self._work, lambda: None
        try:
            self._answer = work()
        except Exception as error:  # the pass's own, which may know what to do
            self._failed = error
        del work
        self._go.release()
        self._here.acquire()

    def stop(self) -> None:
        """End it where it waits."""
        if self.is_alive():
            self.stopped = True
            self._go.release()
            self.join()


@dataclass
class StreamedForward(Forward):
    """A module whose layers are there only while they compute.

    make  what gives tensors
    tell  hears which layer is being made
    room  bytes that texts on their way may take; 0: STREAMED_BYTES
    """

    make: Make = field(default=lambda names: {})
    rows: Rows = field(default=lambda name: iter(()))
    tell: Callable[[str], None] = field(default=lambda what: None)
    on: torch.device = field(default_factory=lambda: torch.device("cpu"))
    room: int = 0
    streamed = True
    at_once = 1 << 23
    _filled: Counter[str] = field(default_factory=Counter[str])
    _passes: dict[int, _Pass] = field(default_factory=dict[int, _Pass])
    _kept: list[Unit] = field(default_factory=list[Unit])
    _again: set[str] | None = None
    _rows: dict[str, dict[int, Tensor]] = field(default_factory=dict[str, dict[int, Tensor]])

    @property
    def device(self) -> torch.device:
        """Where its layers are while they compute."""
        return self.on

    def stream(self, tensors: Mapping[str, Tensor], where: str) -> None:
        """Let the module's parameters, on meta, be made of tensors when they are needed; what is small is made now.

        tensors  on meta, as a folder names them
        CheckpointError, beginning with `where`, when they do not fit.
        """
        self.lock = contextlib.nullcontext()  # one pass computes at a time, but they take turns
        made_of = parts(self.module, tensors, where)
        units = list(_units(self.module, made_of))
        within = {part.name for _, unit in units for part in unit.parts}
        stays = Unit("what is beside its layers", [part for name, part in made_of.items() if name not in within])
        self._fill(stays)
        for module, unit in units:
            if unit.nbytes > _SMALL or len(unit.parts) > 2:
                unit.matrix = _matrix(module, unit)
                _wrap(module, self, unit)
                self._drop(unit)
            else:
                self._fill(unit)
        for owner in self.module.modules():  # what no file holds
            for name, buffer in owner.named_buffers(recurse=False):
                if not buffer.is_meta and buffer.device != self.on:
                    setattr(owner, name, buffer.to(self.on))

    def computed(self, unit: Unit, work: Callable[[], Any]) -> Any:
        """What a unit computes: at once, or when the pass in whose thread it is asked for has its turn."""
        own = self._passes.get(threading.get_ident())
        if own is not None:
            return own.ask(unit, work)
        if isinstance(work, _ByRows):
            self._given_rows(unit, [work], lambda: None)
            return work()
        with self._there(unit):
            return work()

    def _given_rows(self, unit: Unit, works: "Sequence[_ByRows]", check: Callable[[], None]) -> None:
        """Hand each the rows of a unit's matrix; when it is called after this it has its result.

        Inside `keeping` a few rows stay, and are all there are: of a head some from everywhere, as what a type is like does not
        hang on which words it has.
        """
        if self._again is None:
            given = self._each_row(unit)
        else:
            known = self._rows.setdefault(unit.name, {})
            if any(work.lacks(known) for work in works):
                for first, rows in self._each_row(unit):
                    check()
                    known |= {first + at: rows[at : at + 1].clone() for work in works for at in work.keeps(first, len(rows))}
            given = iter(known.items())
        for first, rows in given:
            check()
            for work in works:
                work.take(first, rows)
        if self._again is None:
            give_back()

    def _each_row(self, unit: Unit) -> Iterator[tuple[int, Tensor]]:
        self.tell(unit.name)
        return ((first, rows.to(self.on, unit.parts[0].dtype)) for first, rows in self.rows(unit.matrix))

    def each(self, works: Sequence[Work[T]], check: Callable[[], None]) -> Iterator[tuple[int, T]]:
        """What each work gives, by its place, many together. check: asked at every layer, raises where all is to end."""
        for some in self.rounds(works):
            yield from self._together({place: works[place] for place in some}, check)

    def rounds(self, works: Sequence[Work[T]]) -> list[range]:
        """Which works, by their places, go through the layers together."""
        found, start = list[range](), 0
        while start < len(works):
            held, stop = 0, start
            while stop < len(works) and stop - start < _TOGETHER:
                held += self._held(works[stop].tokens, works[stop].cached)
                if stop > start and (held > self._most or works[start].alone):
                    break
                stop += 1
            found.append(range(start, stop))
            start = stop
        return found

    def fits(self, tokens: int) -> int:
        """How many texts of so many tokens one work that keeps what it has read may have; at least one."""
        return max(1, self._most // self._held(tokens, True))

    @property
    def _most(self) -> int:
        return self.room or STREAMED_BYTES

    def _held(self, tokens: int, cached: bool) -> int:
        """Bytes that a text's tokens take between two layers: a few states of each, and the keys and values of all layers."""
        text = self.module.config.get_text_config(decoder=True)
        width = _number(text, "hidden_size") or 4096
        heads = _number(text, "num_attention_heads")
        each = _number(text, "head_dim") or width // max(1, heads)
        kept = 2 * ((_number(text, "num_key_value_heads") or heads) * each or width) * _number(text, "num_hidden_layers")
        return tokens * (16 * width + (kept * self.module.dtype.itemsize if cached else 0))

    def _together(self, works: Mapping[int, Work[T]], check: Callable[[], None]) -> Iterator[tuple[int, T]]:
        """What some works give, in the order in which they end."""
        going: list[_Pass] = []
        try:
            for place, work in works.items():
                going.append(_Pass(place, work.run, self._passes))
                going[-1].begin()
                yield from self._over(going)
            while going:
                unit = going[0].unit
                assert unit is not None
                check()
                waiting = [one for one in going if one.unit is unit]
                for some in _few(waiting) if unit.matrix else [waiting]:
                    if unit.matrix:
                        self._given_rows(unit, [one.wants for one in some], check)
                    with contextlib.nullcontext() if unit.matrix else self._there(unit):
                        for one in some:
                            check()
                            one.compute()
                            yield from self._over(going)
        finally:
            for one in going:
                one.stop()

    @staticmethod
    def _over(going: list[_Pass]) -> Iterator[tuple[int, Any]]:
        """What has come to its end, taken from those that go on; an error where that was the end."""
        for one in [one for one in going if one.ended]:
            going.remove(one)
            one.join()
            if one.error is not None:
                raise one.error
            result, one.result = one.result, None
            yield one.place, result

    # ------------------------------------------------------------------------------------------ what is there

    @contextlib.contextmanager
    def _there(self, unit: Unit) -> Generator[None]:
        """While this lasts the unit's parameters are there; longer inside `keeping`."""
        if not self._filled[unit.name]:
            self.tell(unit.name)
            self._fill(unit)
            if self._again is not None and unit.name in self._again:
                self._filled[unit.name] += 1
                self._kept.append(unit)
            elif self._again is not None:
                self._again.add(unit.name)
        self._filled[unit.name] += 1
        try:
            yield
        finally:
            self._let_go(unit)

    def _fill(self, unit: Unit) -> None:
        tensors = dict(self.make(list(dict.fromkeys(name for part in unit.parts for name in part.tensors))))
        with torch.no_grad():
            for part in unit.parts:
                part.put(tensors)

    def _let_go(self, unit: Unit) -> None:
        self._filled[unit.name] -= 1
        if not self._filled[unit.name]:
            self._drop(unit)
            if unit.nbytes > _LARGE:
                give_back()  # or the C library keeps what the next layer, made by other threads, does not find

    def _drop(self, unit: Unit) -> None:
        for part in unit.parts:
            part.drop(self.on)

    @contextlib.contextmanager
    def keeping(self) -> Generator[None]:
        """While it lasts, layers that compute a second time stay: those of a few passes through the lowest ones."""
        self._again = set()
        try:
            yield
        finally:
            kept, self._kept, self._again = self._kept, [], None
            self._rows.clear()
            for unit in kept:
                self._let_go(unit)


def _number(config: Any, name: str) -> int:
    """A size that a config names; 0 where it has none, or another for each layer, which some answer with an error."""
    try:
        value: Any = getattr(config, name, 0)
    except Exception:
        return 0
    return value if isinstance(value, int) else 0


# ---------------------------------------------------------------------------------------------- what is a unit


def _units(module: nn.Module, made_of: Mapping[str, Part], name: str = "") -> Iterator[tuple[nn.Module, Unit]]:
    """The elements of a module's lists of layers, and beside them whatever has parameters and no modules with some."""
    inside = [part for n, part in made_of.items() if n.startswith(f"{name}.") or not name]
    below = [(f"{name}.{n}".lstrip("."), child) for n, child in module.named_children()]
    parents = [n for n, _ in below if any(part.name.startswith(f"{n}.") for part in inside)]
    if inside and not parents:
        yield module, Unit(name, inside)
        return
    for n, child in below:
        if n not in parents:
            continue
        if isinstance(module, nn.ModuleList) and not isinstance(child, (nn.ModuleList, nn.ModuleDict)):
            yield child, Unit(n, [part for part in inside if part.name.startswith(f"{n}.")])
        else:
            yield from _units(child, made_of, n)


def _matrix(module: nn.Module, unit: Unit) -> str:
    """The matrix of large embeddings, or of a large head, that is used row by row; "" of all else."""
    plain = isinstance(module, nn.Embedding) or type(module).forward is nn.Linear.forward
    if not plain or len(unit.parts) != 1 or unit.nbytes <= _BY_ROWS or unit.parts[0].name != f"{unit.name}.weight":
        return ""
    return unit.parts[0].same


class _ByRows:
    """What a module makes of a matrix of which it is given some rows after others: looked-up embeddings, or logits."""

    def __init__(self, module: Any, original: Callable[..., Any], given: Tensor, dtype: torch.dtype) -> None:
        self._module, self._original, self._given = module, original, given
        self._size: int = module.weight.shape[0]
        self._looks_up = isinstance(module, nn.Embedding)
        if self._looks_up:
            self._wanted = given.unique()
            if given.numel() and not 0 <= int(self._wanted[0]) <= int(self._wanted[-1]) < self._size:
                raise IndexError("index out of range in self")
            self._out = torch.empty(len(self._wanted), module.weight.shape[1], dtype=dtype, device=given.device)
        else:
            self._out = torch.empty(0)

    @property
    def nbytes(self) -> int:
        """Of what it makes."""
        return 0 if self._looks_up else self._given.shape[:-1].numel() * self._size * self._given.element_size()

    def keeps(self, first: int, count: int) -> list[int]:
        """Which of some rows are kept where a few do: those that are looked up; of a head one of each lot."""
        if not self._looks_up:
            return [0]
        here = (self._wanted >= first) & (self._wanted < first + count)
        return [int(at) for at in self._wanted[here] - first]

    def lacks(self, known: Mapping[int, Tensor]) -> bool:
        """Whether it needs a row that is not among these."""
        return not known.keys() >= {int(one) for one in self._wanted} if self._looks_up else not known

    def take(self, first: int, rows: Tensor) -> None:
        """The rows of the matrix from `first` on."""
        if self._looks_up:
            here = (self._wanted >= first) & (self._wanted < first + len(rows))
            self._out[here] = rows[self._wanted[here] - first]
            return
        if not self._out.numel():
            self._out = torch.zeros(*self._given.shape[:-1], self._size, dtype=self._given.dtype, device=self._given.device)
        self._out[..., first : first + len(rows)] = nn.functional.linear(self._given, rows)

    def __call__(self) -> Tensor:
        """The result. Embeddings are looked up among those that are wanted: what a kind does with them afterwards, it does."""
        if not self._looks_up:
            return self._out
        held = self._module.weight, self._module.padding_idx
        try:
            # the row of padding may lie beyond those that are wanted; it counts for gradients alone
            self._module.weight, self._module.padding_idx = nn.Parameter(self._out, requires_grad=False), None
            return self._original(self._module, torch.searchsorted(self._wanted, self._given))
        finally:
            self._module.weight, self._module.padding_idx = held


def _few(waiting: "Sequence[_Pass]") -> "Iterator[list[_Pass]]":
    """Passes whose logits, together, are bounded; each at least alone."""
    some, held = list[_Pass](), 0
    for one in waiting:
        if some and held + one.wants.nbytes > _LOGITS:
            yield some
            some, held = [], 0
        some.append(one)
        held += one.wants.nbytes
    yield some


def _wrap(module: nn.Module, forward: StreamedForward, unit: Unit) -> None:
    """Let a module compute when its parameters are there. By its class: whoever silences it sets its own `forward`."""
    kind = type(module)
    original: Callable[..., Any] = kind.forward

    def made(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if unit.matrix and len(args) == 1 and not kwargs:
            return forward.computed(unit, _ByRows(self, original, args[0], unit.parts[0].dtype))
        return forward.computed(unit, lambda: original(self, *args, **kwargs))

    module.__class__ = type(kind.__name__, (kind,), {"forward": made, "__module__": kind.__module__})


__all__ = ["Make", "Rows", "StreamedForward", "Unit"]
