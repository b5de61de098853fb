"""Natural order: 2 before 10."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore_core.paths import natural_key, natural_sorted

NAMES = st.text(alphabet="aZ0129._-/ é\n٣", max_size=12)
PLATE_NAMES = st.builds("{:02d}/w{:03d}.tif".format, st.integers(0, 99), st.integers(0, 999))


@pytest.mark.parametrize(
    "ordered",
    [
        ["z1", "z2", "z10"],
        ["A1_z10", "A2_z2", "A10_z1"],
        ["a1/b2", "a1/b10", "a2/b1", "a10/b1"],
        ["a/z", "a b/c", "a.b", "a0", "ab"],
        ["a", "a/b", "a.tif", "a1.tif"],
        ["a01", "a1", "a001b", "a01b"],
        ["٣", "٤"],
        ["0", "00", "1"],
        ["9" * 30, "1" + "0" * 30, "9" * 100, "1" + "0" * 100],
        ["line\n2", "line\n10"],
        [],
    ],
)
def test_names_are_in_natural_order(ordered: list[str]) -> None:
    assert natural_sorted(reversed(ordered)) == ordered


@given(st.lists(NAMES))
def test_sorting_is_sorting_by_key(names: list[str]) -> None:
    assert natural_sorted(names) == sorted(names, key=natural_key)


@given(st.lists(PLATE_NAMES))
def test_zero_padded_names_are_sorted_by_key_too(names: list[str]) -> None:
    assert natural_sorted(names) == sorted(names, key=natural_key)


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 120), st.integers(1, 3)), min_size=60))
def test_many_names_of_few_shapes_are_sorted_by_key_too(numbers: list[tuple[int, int, int]]) -> None:
    names = [f"A{well}/s{well % 3}_z{plane:0{width}}.tif" for well, plane, width in numbers]
    assert natural_sorted(names) == sorted(names, key=natural_key)


@given(st.lists(NAMES), st.randoms())
def test_the_order_given_does_not_matter(names: list[str], random: object) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert natural_sorted(shuffled) == natural_sorted(names)


@given(st.lists(st.integers(0, 10**40)))
def test_numbers_of_any_length_are_in_numeric_order(numbers: list[int]) -> None:
    assert natural_sorted(f"z{number}.tif" for number in numbers) == [f"z{n}.tif" for n in sorted(numbers)]


@given(NAMES, NAMES)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert (natural_key(one) == natural_key(other)) == (one == other)
