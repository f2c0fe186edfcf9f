"""The planners on plain data: no overlap, never under the lower bound, near it on networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.utils.exceptions import PassFailedException

from edgeir.passes.planners.registry import find_planner, planner, planner_names
from edgeir.passes.planners.storage import ALIGNMENT, Storage, arena_bytes, lower_bound

SPANS = st.tuples(st.integers(0, 2000), st.integers(0, 30), st.integers(0, 12))
STORAGES = st.lists(
    SPANS.map(lambda span: Storage(span[0], span[1], span[1] + span[2])), max_size=40
)


def check(storages: list[Storage], offsets: list[int]) -> None:
    assert len(offsets) == len(storages)
    assert all(offset >= 0 and offset % ALIGNMENT == 0 for offset in offsets)
    for i, (a, x) in enumerate(zip(storages, offsets, strict=True)):
        for b, y in zip(storages[:i], offsets[:i], strict=True):
            apart = x + a.size <= y or y + b.size <= x
            assert apart or not a.size or not b.size or not a.meets(b), (a, x, b, y)
    assert arena_bytes(storages, offsets) >= lower_bound(storages)


@pytest.mark.parametrize("name", ["naive", "greedy", "first-fit"])
@settings(deadline=None)
@given(storages=STORAGES)
def test_live_storages_never_overlap(name: str, storages: list[Storage]):
    check(storages, find_planner(name)(storages))


@settings(deadline=None)
@given(storages=STORAGES)
def test_naive_is_the_sum(storages: list[Storage]):
    size = arena_bytes(storages, find_planner("naive")(storages))
    assert size == sum(storage.padded for storage in storages)


@settings(deadline=None)
@given(storages=STORAGES)
def test_greedy_is_deterministic(storages: list[Storage]):
    plan = find_planner("greedy")
    assert plan(storages) == plan(list(storages))


def test_lower_bound_counts_padded_bytes_at_the_peak():
    storages = [Storage(1, 0, 2), Storage(17, 2, 3), Storage(100, 4, 4)]
    assert lower_bound(storages) == 112
    assert lower_bound(storages[:2]) == 16 + 32
    assert lower_bound([]) == 0


def residual_network(blocks: int) -> list[Storage]:
    """The activations of blocks `x + f(g(x))` that widen as they shrink."""
    rng = np.random.default_rng(blocks)
    storages: list[Storage] = []
    position = 0
    for block in range(blocks):
        size = int(rng.integers(1, 64)) * 4096 >> (block * 3 // blocks)
        storages.append(Storage(size, position, position + 3))
        storages.append(Storage(size * int(rng.integers(1, 7)), position + 1, position + 2))
        storages.append(Storage(size, position + 2, position + 3))
        position += 3
    return storages


def branching_network(layers: int) -> list[Storage]:
    """Four branches a layer, all concatenated: many tensors live at once."""
    rng = np.random.default_rng(layers)
    storages: list[Storage] = []
    for layer in range(layers):
        start = layer * 9
        storages.append(Storage(int(rng.integers(1, 500)) * 64, start, start + 9))
        for branch in range(4):
            first = start + 1 + 2 * branch
            storages.append(Storage(int(rng.integers(1, 500)) * 64, first, first + 1))
            storages.append(Storage(int(rng.integers(1, 300)) * 64, first + 1, start + 9))
    return storages


@pytest.mark.parametrize(
    "storages",
    [residual_network(16), residual_network(60), branching_network(8), branching_network(40)],
    ids=["residual-16", "residual-60", "branching-8", "branching-40"],
)
def test_greedy_comes_within_five_percent_of_the_bound(storages: list[Storage]):
    size = arena_bytes(storages, find_planner("greedy")(storages))
    assert size <= 1.05 * lower_bound(storages)


def test_greedy_reuses_what_is_free():
    storages = [Storage(64, 0, 1), Storage(64, 1, 2), Storage(64, 2, 3)]
    offsets = find_planner("greedy")(storages)
    assert offsets[0] == offsets[2] != offsets[1]


def test_a_registered_planner_is_found():
    @planner("test-backwards")
    def backwards(storages):
        return list(reversed(find_planner("naive")(storages)))

    assert find_planner("test-backwards") is backwards
    assert {"greedy", "naive", "test-backwards"} <= set(planner_names())


def test_an_unknown_planner_is_named_with_the_known_ones():
    known = "no memory planner 'best'; there are first-fit, greedy"
    with pytest.raises(PassFailedException, match=known):
        find_planner("best")
    with pytest.raises(PassFailedException, match="no memory planner 'storage'"):
        find_planner("storage")
