"""Typed options without a schema language: they are the keyword-only parameters of a function."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_core._suggest import did_you_mean, listed
from polystore_core.errors import InvalidOption
from polystore_core.plugins._annotations import described, fits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = ["check_options", "option_names"]


_COMMON = ("backend", "cancel", "copy", "device", "framework", "overwrite", "progress", "workers")
"""Arguments of the file manager that somebody may have meant."""


class _Parameters(NamedTuple):
    """What a function takes: option -> annotation and test, which it needs, whether it takes everything."""

    annotations: dict[str, Any]
    tests: dict[str, Callable[[object], bool]]
    required: tuple[str, ...]
    takes_any: bool


def check_configuration(
    factory: Callable[..., object],
    configuration: Mapping[str, object],
    *,
    owner: str,
    given: Collection[str] = (),
) -> None:
    """Check a backend's configuration against all parameters of its class or factory function.

    Parameters
    ----------
    factory, configuration, owner
        As in :func:`check_options`.
    given
        Parameters that the registry supplies itself.

    Raises
    ------
    InvalidOption
        As for :func:`check_options`.
    """
    _check(_parameters(factory, keyword_only=False), configuration, owner=owner, given=given, further=())


def takes(factory: Callable[..., object], name: str) -> bool:
    """Whether a class or function has a parameter of that name."""
    return name in _parameters(factory, keyword_only=False).annotations


def check_options(
    function: Callable[..., object],
    options: Mapping[str, object],
    *,
    owner: str,
    given: Collection[str] = (),
    further: Collection[str] = (),
) -> None:
    """Check ``options`` against the keyword-only parameters of ``function`` and their annotations.

    Parameters
    ----------
    function
        What the options will be passed to. A function with ``**options`` takes everything.
    options
        What the caller gave.
    owner
        Whose options they are, for the message: ``"backend 'disk'"`` or ``"format '.tif'"``.
    given
        Keyword-only parameters that the caller of ``function`` supplies itself.
    further
        Options that are valid too but not ``function``'s; named in the message.

    Raises
    ------
    InvalidOption
        For an unknown option, a missing one or a value that does not fit the annotation.

    Examples
    --------
    >>> from polystore_core.plugins import check_options
    >>> def encode(data, *, level: int = 6): ...
    >>> check_options(encode, {"level": 9}, owner="format '.gz'")
    >>> check_options(encode, {"levle": 9}, owner="format '.gz'")
    Traceback (most recent call last):
    ...
    polystore_core.errors.InvalidOption: format '.gz' has no option 'levle'; options: level. \
Did you mean 'level'?
    """
    _check(
        _parameters(_unbound(function), keyword_only=True), options, owner=owner, given=given, further=further
    )


def option_names(function: Callable[..., object], *, given: Collection[str] = ()) -> tuple[str, ...]:
    """Names of the options that ``function`` takes beyond those ``given`` by its caller."""
    accepted = _parameters(_unbound(function), keyword_only=True).annotations
    return tuple(name for name in accepted if name not in given)


def _check(
    parameters: _Parameters,
    options: Mapping[str, object],
    *,
    owner: str,
    given: Collection[str],
    further: Collection[str],
) -> None:
    annotations, tests, required, takes_any = parameters
    for name, value in options.items():
        if name not in annotations or name in given:
            if takes_any:
                continue
            valid = [*(known for known in annotations if known not in given), *further]
            raise InvalidOption(
                f"{owner} has no option {name!r}; options: {listed(valid)}."
                f"{did_you_mean(name, [*valid, *_COMMON])}"
            )
        if not tests[name](value):
            raise InvalidOption(
                f"{owner}: option {name!r} takes {described(annotations[name])}; got {value!r}"
            )
    for name in required:
        if name not in options and name not in given:
            raise InvalidOption(f"{owner} needs the option {name!r} ({described(annotations[name])})")


def _unbound(function: Callable[..., object]) -> Callable[..., object]:
    """Return the plain function behind a bound method, so that its parameters are looked up once."""
    return getattr(function, "__func__", function)


@lru_cache(maxsize=512)
def _parameters(function: Callable[..., object], *, keyword_only: bool) -> _Parameters:
    import inspect

    parameters = inspect.signature(function).parameters.values()
    options = [
        parameter
        for parameter in parameters
        if parameter.kind is parameter.KEYWORD_ONLY
        or (parameter.kind is parameter.POSITIONAL_OR_KEYWORD and not keyword_only)
    ]
    annotations = {option.name: _resolved(option.annotation, function) for option in options}
    return _Parameters(
        annotations,
        {name: fits(annotation) for name, annotation in annotations.items()},
        tuple(option.name for option in options if option.default is option.empty),
        any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters),
    )


def _resolved(annotation: Any, function: Callable[..., object]) -> Any:
    """Return what an annotation stands for; one whose names only a type checker knows accepts everything."""
    import inspect
    from typing import get_type_hints

    if annotation is inspect.Parameter.empty:
        return Any
    implementation = vars(function).get("__init__", function) if isinstance(function, type) else function
    holder = type("holder", (), {"__annotations__": {"option": annotation}})
    try:
        return get_type_hints(holder, globalns=getattr(implementation, "__globals__", {}))["option"]
    except (NameError, AttributeError, TypeError):
        return Any
