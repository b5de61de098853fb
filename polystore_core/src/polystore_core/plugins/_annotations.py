"""What a type annotation lets through: as a test of values, and in words."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Callable

    Test = Callable[[object], bool]

__all__ = ["described", "fits"]


def fits(annotation: Any) -> Test:  # noqa: PLR0911 - one line per kind
    """Return a test whether a value fits a simple annotation; one that is not simple accepts everything."""
    if annotation in (Any, object):
        return _everything
    if annotation is None or annotation is type(None):
        return lambda value: value is None
    if annotation is float:
        return lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)
    if annotation is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    origin = get_origin(annotation)
    if origin is Literal:
        choices = {(type(choice), choice) for choice in get_args(annotation)}
        kinds = {kind for kind, _ in choices}
        return lambda value: type(value) in kinds and (type(value), value) in choices
    if origin in (Union, types.UnionType):
        tests = tuple(map(fits, get_args(annotation)))
        return lambda value: any(test(value) for test in tests)
    if origin is tuple:
        return _fits_tuple(get_args(annotation))
    kind = annotation if origin is None else origin
    return (lambda value: isinstance(value, kind)) if _has_instances(kind) else _everything


def _everything(value: object) -> bool:
    return True


def _has_instances(kind: Any) -> bool:
    """Whether a value can be asked for it; not so for a ``TypedDict`` and for most protocols."""
    try:
        isinstance(None, kind)
    except TypeError:
        return False
    return True


def _fits_tuple(items: tuple[Any, ...]) -> Test:
    """A list will do too: JSON and the command line have no tuples."""
    if len(items) == 2 and items[1] is Ellipsis:
        each = fits(items[0])
        return lambda value: isinstance(value, (tuple, list)) and all(map(each, value))
    tests = tuple(map(fits, items))

    def test_all(value: object) -> bool:
        return (
            isinstance(value, (tuple, list))
            and len(value) == len(tests)
            and all(test(item) for test, item in zip(tests, value, strict=True))
        )

    return test_all


def described(annotation: Any) -> str:
    """Write an annotation the way a user would say it."""
    origin = get_origin(annotation)
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in get_args(annotation))
    if origin in (Union, types.UnionType):
        return " or ".join(described(choice) for choice in get_args(annotation))
    if annotation is type(None):
        return "None"
    if origin is None and isinstance(annotation, type):
        return annotation.__name__
    return str(annotation).replace("typing.", "").replace("collections.abc.", "")
