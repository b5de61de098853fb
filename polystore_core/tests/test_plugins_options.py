"""Options are keyword-only parameters; what their annotations let through, and what is said otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypedDict

import pytest

from polystore_core import InvalidOption
from polystore_core.plugins import check_options


class Window(TypedDict):
    """What only a type checker can tell from other mappings."""

    low: float


class Draws(Protocol):
    """What only a type checker can tell from other objects."""

    def draw(self) -> None: ...


def takes(annotation: Any, value: object) -> bool:
    def function(*, option: Any) -> None: ...

    function.__annotations__["option"] = annotation
    try:
        check_options(function, {"option": value}, owner="this")
    except InvalidOption:
        return False
    return True


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Any, object()),
        (object, None),
        (None, None),
        (float, 2),
        (float, 0.5),
        (int, 2),
        (bool, True),
        (str, "zstd"),
        (Literal["zstd", 1, None], 1),
        (Literal["zstd", 1, None], None),
        (int | None, None),
        (int | tuple[int, ...], (1, 2)),
        (tuple[int, ...], ()),
        (tuple[int, ...], [1, 2]),
        (tuple[float, str], [1, "um"]),
        (Mapping[str, int], {}),
        (Sequence[int], [1]),
        (list, []),
        (Window, {"low": 0.0}),
        (Draws, object()),
        (int | Window, {"low": 0.0}),
    ],
)
def test_a_value_that_fits_is_taken(annotation: Any, value: object) -> None:
    assert takes(annotation, value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (None, 0),
        (float, True),
        (float, "0.5"),
        (int, True),
        (int, 2.0),
        (bool, 1),
        (str, b"zstd"),
        (Literal["zstd", 1], "gzip"),
        (Literal["zstd", 1], True),
        (Literal["zstd", 1], ["zstd"]),
        (int | None, "none"),
        (tuple[int, ...], 1),
        (tuple[int, ...], (1, 2.0)),
        (tuple[float, str], (1.0,)),
        (tuple[float, str], (1.0, "um", "um")),
        (tuple[float, str], ("um", 1.0)),
        (Mapping[str, int], [1]),
        (list, ()),
    ],
)
def test_a_value_that_does_not_fit_is_refused(annotation: Any, value: object) -> None:
    assert not takes(annotation, value)


def level_of_compression(*, level: int | None, kind: Literal["fast", "small"] = "fast") -> None: ...


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "this needs the option 'level' (int or None)"),
        ({"level": "9"}, "this: option 'level' takes int or None; got '9'"),
        ({"level": 9, "kind": "slow"}, "this: option 'kind' takes one of 'fast', 'small'; got 'slow'"),
        ({"levle": 9}, "this has no option 'levle'; options: level, kind. Did you mean 'level'?"),
    ],
)
def test_a_refusal_says_what_is_taken(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        check_options(level_of_compression, options, owner="this")
    assert str(caught.value) == message
