"""Arguments of the types that a signature names: checked at the door, in one place.

``@checked`` reads the hints of a function and refuses what does not fit them, before anything is done:

1. ``Any`` and ``object`` take everything; a union takes what one of its parts takes.
2. ``int`` takes whole numbers of any library but no bool, ``float`` numbers, ``bool`` True and False alone: a text
   such as ``"false"`` would count as true.
3. ``Sequence[…]`` and its kin take anything to iterate over but text and mappings, item by item; ``tuple[X, Y]`` two
   items, ``Mapping[…]`` its keys and values.
4. A protocol takes what has its methods, a callable what can be called, any other class its instances.

Invariant: a value that fits goes on as it is, but for whole numbers and bools of other libraries (which become ours)
and for iterators (which become lists, since looking at them uses them up).
"""

import functools
import inspect
import reprlib
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from lakestore.errors import ErrorKind, InvalidInputError

Function = TypeVar("Function", bound=Callable[..., Any])

_EVERYTHING = (Any, object)
_LISTS = (Sequence, Collection, Iterable, list)
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "a bool",
    "NoneType": "None",
    "PathLike": "a path",
    "Callable": "a function",
    "Mapping": "a mapping",
    "Until": "ls.Until(…)",
}
_PLURALS = {"text": "texts", "a whole number": "whole numbers", "a number": "numbers"}
_UNFIT = object()
"""Stands for a value that does not fit."""


def checked(function: Function) -> Function:
    """The function, refusing arguments that are not of the types in its signature.

    It raises ``InvalidInputError`` of kind INVALID_TYPE then. A wrong number or name of arguments stays Python's own
    ``TypeError``.
    """
    signature = inspect.signature(function)
    several = {name for name, each in signature.parameters.items() if each.kind is each.VAR_POSITIONAL}

    @functools.cache
    def hints() -> dict[str, Any]:  # At the first call: a hint may name what its module defines further down.
        found = get_type_hints(function)
        return {name: found[name] for name in signature.parameters if name in found and name != "self"}

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes
        try:
            bound = signature.bind_partial(*arguments, **named)
        except TypeError:
            return function(*arguments, **named)  # Raises the same, in the words that Python has for it.
        for name, hint in hints().items():
            if name in bound.arguments:
                value, place = bound.arguments[name], f"{function.__name__}({name}="
                each = tuple(fitted(one, hint, place) for one in value) if name in several else None
                bound.arguments[name] = fitted(value, hint, place) if each is None else each
        return function(*bound.args, **bound.kwargs)

    return cast("Function", call)


def check_fields(record: Any) -> None:  # noqa: ANN401 - any dataclass
    """Refuse a record whose fields are not of the types that its class names.

    Raises:
        InvalidInputError: A field is not.
    """
    for name, hint in _fields(record.__class__).items():
        fitted(getattr(record, name), hint, f"{type(record).__name__}({name}=")


def fitted(value: Any, hint: Any, place: str) -> Any:  # noqa: ANN401 - whatever the hint says
    """The value, if it is of that type.

    Args:
        value: What the user gave.
        hint: The type.
        place: Where, for the message: ``scan(limit=``.

    Raises:
        InvalidInputError: It is not.
    """
    found = _fit(value, hint)
    if found is not _UNFIT:
        return found
    shown, wrong = reprlib.repr(value), _wrong_item(value, hint)
    of_type = (
        f"it is of type {type(value).__name__}" if wrong is _UNFIT else f"{reprlib.repr(wrong)} in it does not fit"
    )
    lists = [part for part in _parts(hint) if get_origin(part) in _LISTS and get_args(part) == (str,)]
    example = f", e.g. [{shown}]" if isinstance(value, str) and lists else ""
    raise InvalidInputError(
        f"{place}{shown}): expected {_words(hint)}{example}; {of_type}", kind=ErrorKind.INVALID_TYPE
    )


def _wrong_item(value: Any, hint: Any) -> Any:  # noqa: ANN401 - values and hints of any kind
    """The item that does not fit, of a list or mapping where one is expected; ``_UNFIT`` if there is none."""
    for part in _parts(hint):
        origin, inner = get_origin(part), get_args(part)
        if origin is Mapping and isinstance(value, Mapping):
            pairs = (each for pair in value.items() for each in zip(pair, inner, strict=True))
            return next((item for item, wanted in pairs if _fit(item, wanted) is _UNFIT), _UNFIT)
        if origin in _LISTS and isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping):
            return next((item for item in value if _fit(item, inner[0]) is _UNFIT), _UNFIT)
    return _UNFIT


@functools.cache
def _fields(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    return get_type_hints(record)


def _parts(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a hint
    """What a union is made of; the hint alone if it is none."""
    return get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)


def _fit(value: Any, hint: Any) -> Any:  # noqa: ANN401 - values and hints of any kind
    """The value, or ``_UNFIT``."""
    if hint in _EVERYTHING:
        return value
    parts = _parts(hint)
    if len(parts) > 1:
        return next((found for part in parts if (found := _fit(value, part)) is not _UNFIT), _UNFIT)
    origin, inner = get_origin(hint) or hint, get_args(hint)
    if origin is bool:
        return bool(value) if isinstance(value, bool | np.bool_) else _UNFIT
    if origin is int or origin is float:
        return _number(value, whole=origin is int)
    if origin is tuple or origin in _LISTS:
        return _items(value, inner, fixed=origin is tuple)
    if origin is Mapping:
        fits = isinstance(value, Mapping) and all(_fits_all(pair, inner) for pair in value.items())
    elif origin is Callable:
        fits = callable(value)
    elif getattr(origin, "_is_protocol", False):
        fits = all(hasattr(value, name) for name in vars(origin) if not name.startswith("_"))
    else:
        fits = isinstance(value, origin)
    return value if fits else _UNFIT


def _number(value: Any, *, whole: bool) -> Any:  # noqa: ANN401 - values of any kind
    if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
        return _UNFIT
    return int(value) if isinstance(value, Integral) else value


def _items(value: Any, inner: tuple[Any, ...], *, fixed: bool) -> Any:  # noqa: ANN401 - values of any kind
    """A list, or as many items as there are hints when ``fixed``."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return _UNFIT
    items = value if isinstance(value, Collection) else list(value)
    if fixed and len(items) != len(inner):
        return _UNFIT
    return items if _fits_all(items, inner if fixed else inner * len(items)) else _UNFIT


def _fits_all(values: Iterable[Any], hints: Iterable[Any]) -> bool:
    return all(_fit(value, hint) is not _UNFIT for value, hint in zip(values, hints, strict=False))


def _words(hint: Any) -> str:  # noqa: ANN401 - a hint
    """What a hint takes, in words."""
    parts = _parts(hint)
    if len(parts) > 1:
        words = list(dict.fromkeys(_words(part) for part in parts))
        return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
    origin, inner = get_origin(hint) or hint, get_args(hint)
    if origin in _LISTS:
        return f"a list{_each(inner)}"
    if origin is tuple:
        return f"{len(inner)} values{_each(inner)}"
    if origin is Mapping:
        values = "" if not inner or inner[1] in _EVERYTHING else f" to {_words(inner[1])}"
        return f"a mapping{_each(inner)}{values}"
    name = getattr(origin, "__name__", str(origin))
    return _WORDS.get(name) or getattr(origin, "in_words", None) or f"a {name}"


def _each(inner: tuple[Any, ...]) -> str:
    """What the first of some hints, which stands for all, says of the items of a list."""
    if not inner or inner[0] in _EVERYTHING:
        return ""
    words = _words(inner[0])
    return f" of {_PLURALS[words]}" if words in _PLURALS else f" of {words} each"
