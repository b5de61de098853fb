"""Frames that wait, travel or are kept, and their counts."""

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from polystore_core.errors import StorageFull
from polystore_streaming.memory import ALIGNMENT, Arena
from polystore_streaming.sender import Frames, Outgoing
from polystore_streaming.wire import Ack, ArraySpec, Frame

KIB = 1024
ROOM = 64 * KIB
"""Of the arenas here."""


def frame_of(seq, path, size, block):
    spec = ArraySpec(name="pixels", dtype="uint8", shape=(1, size))
    message = Frame(
        seq=seq,
        path=path,
        layer=path,
        role="image",
        arrays=(spec,),
        size=size,
        axes=("y", "x"),
        place=block.offset,
    )
    return Outgoing(message, block)


class Sender:
    """Frames, with an arena and running numbers."""

    def __init__(self, *viewers, room=ROOM):
        self.arena = Arena(room)
        self.frames = Frames(self.arena, viewers or ("viewer",))
        self.seq = 0

    def append(self, path, size=4 * KIB, policy="latest", timeout=0.0):
        block = self.frames.room(path, size, policy, timeout)
        if block is None:
            self.frames.drop_new()
            return None
        self.seq += 1
        self.frames.put(frame_of(self.seq, path, size, block), policy)
        return self.seq

    def take(self, viewer="viewer", most=1000):
        frame = self.frames.next_for(viewer, most=most)
        return None if frame is None else frame.message.seq

    def take_all(self, viewer="viewer"):
        taken = []
        while (seq := self.take(viewer)) is not None:
            taken.append(seq)
            self.acknowledge(seq, viewer)
        return taken

    def acknowledge(self, seq, viewer="viewer", outcome="shown"):
        return self.frames.acknowledge(viewer, Ack(seq=seq, outcome=outcome))

    def counts(self, viewer="viewer"):
        counters, waiting = self.frames.census(viewer)
        return counters.offered, counters.sent, counters.dropped, waiting


@pytest.fixture
def sender():
    made = Sender()
    yield made
    made.arena.close()


def test_latest_sends_only_the_newest_frame_of_a_path(sender):
    first, other, second = sender.append("a"), sender.append("b"), sender.append("a")
    assert sender.take_all() == [other, second]
    assert first not in (other, second)
    assert sender.counts() == (3, 2, 1, 0)


def test_drop_oldest_sends_every_frame_of_a_path(sender):
    sent = [sender.append("a", policy="drop_oldest") for _ in range(5)]
    assert sender.take_all() == sent


def test_drop_oldest_without_room_drops_the_oldest(sender):
    sent = [sender.append("a", 8 * KIB, "drop_oldest") for _ in range(20)]
    assert sender.take_all() == sent[-8:]
    assert sender.counts() == (20, 8, 12, 0)


def test_latest_without_room_drops_the_path_that_is_oldest(sender):
    sent = [sender.append(f"path {number}", 8 * KIB) for number in range(20)]
    assert sender.take_all() == sent[-8:]


def test_paths_that_fill_the_room_are_updated_without_losing_one(sender):
    for _ in range(5):
        latest = [sender.append(f"path {number}", 8 * KIB) for number in range(8)]
    assert sender.take_all() == latest


def test_error_says_what_to_do_when_there_is_no_room(sender):
    for number in range(8):
        sender.append(f"path {number}", 8 * KIB, "error")
    with pytest.raises(
        StorageFull, match="no room for a frame of 8192 bytes.*raise max_bytes.*policy='latest'"
    ):
        sender.append("one more", 8 * KIB, "error")
    assert sender.counts() == (8, 0, 0, 8)


def test_error_makes_room_of_what_is_only_kept(sender):
    for number in range(8):
        sender.append(f"path {number}", 8 * KIB, "error")
    sender.take_all()
    assert sender.append("one more", 8 * KIB, "error") is not None


def test_block_waits_for_room(sender):
    sent = [sender.append("a", 8 * KIB, "drop_oldest") for _ in range(8)]
    taken = [sender.take(), sender.take()]
    waiter = threading.Thread(target=lambda: sent.append(sender.append("a", 8 * KIB, "block", 60)))
    waiter.start()
    assert sender.acknowledge(taken[0])
    waiter.join(60)
    assert sent[-1] == 9
    assert sender.counts() == (9, 2, 0, 7)


def test_block_drops_the_oldest_after_its_time(sender):
    sent = [sender.append("a", 8 * KIB, "block", 0.01) for _ in range(9)]
    assert sender.take_all() == sent[1:]


def test_block_does_not_wait_for_a_viewer_that_cannot_be_reached(sender):
    for _ in range(8):
        sender.append("a", 8 * KIB, "drop_oldest")
    sender.frames.serve("viewer", False)
    waiter = threading.Thread(target=lambda: sender.append("a", 8 * KIB, "block", 3600), daemon=True)
    waiter.start()
    waiter.join(60)
    assert not waiter.is_alive()


def test_a_viewer_that_becomes_unreachable_releases_those_who_wait(sender):
    for _ in range(8):
        sender.append("a", 8 * KIB, "drop_oldest")
    waiter = threading.Thread(target=lambda: sender.append("a", 8 * KIB, "block", 3600), daemon=True)
    waiter.start()
    sender.frames.serve("viewer", False)
    waiter.join(60)
    assert not waiter.is_alive()


def test_a_frame_larger_than_everything_is_an_error_that_names_the_option(sender):
    with pytest.raises(StorageFull, match="a frame of 1000000 bytes is more than the .* raise max_bytes"):
        sender.append("a", 1_000_000)


def test_where_the_system_granted_less_a_large_frame_is_dropped():
    sender = Sender()
    sender.frames = Frames(sender.arena, ("viewer",), most_bytes=1 << 20)
    assert sender.append("a", 100 * KIB, "block", 3600) is None
    assert sender.counts() == (1, 0, 1, 0)
    sender.arena.close()


def test_small_frames_count_for_what_their_headers_take(sender):
    for number in range(100):
        sender.append(f"path {number}", 1)
    assert sender.counts() == (100, 0, 100 - 16, 16)


def test_a_viewer_gets_no_more_than_it_has_credit_for(sender):
    for number in range(3):
        sender.append(f"path {number}")
    assert [sender.take(most=2) for _ in range(3)] == [1, 2, None]
    assert sender.acknowledge(2)
    assert sender.take(most=2) == 3


def test_a_viewer_that_stands_still_leaves_room_for_the_others():
    sender = Sender("stopped", "running")
    for number in range(40):
        sender.append(f"path {number % 4}", 8 * KIB)
        sender.take("stopped")
        sender.take_all("running")
    assert sender.counts("running") == (40, 40, 0, 0)
    sender.arena.close()


def test_a_large_frame_goes_even_to_a_viewer_whose_share_is_smaller(sender):
    sender.append("a", 60 * KIB)
    assert sender.take() == 1


def test_acknowledgements_come_in_any_order_and_once(sender):
    for number in range(3):
        sender.append(f"path {number}")
    taken = [sender.take() for _ in range(3)]
    assert [sender.acknowledge(seq) for seq in reversed(taken)] == [True, True, True]
    assert not sender.acknowledge(taken[0])
    assert not sender.acknowledge(4711)


def test_outcomes_are_counted(sender):
    for outcome in ("shown", "superseded", "refused", "shown"):
        sender.append(outcome)
        sender.acknowledge(sender.take(), outcome=outcome)
    counters, _ = sender.frames.census("viewer")
    assert (counters.shown, counters.superseded, counters.refused) == (2, 1, 1)


def test_a_viewer_that_comes_back_gets_the_last_state_of_every_path(sender):
    for path in ("a", "b", "a", "c"):
        sender.append(path)
    sender.take_all()
    sender.frames.lost("viewer")
    assert sender.take_all() == [2, 3, 4]
    counters, _ = sender.frames.census("viewer")
    assert (counters.offered, counters.sent, counters.replayed, counters.dropped) == (4, 3, 3, 1)


def test_what_a_lost_viewer_had_in_hand_is_taken_back(sender):
    sender.append("a")
    sender.append("a", policy="drop_oldest")
    assert (sender.take(), sender.take()) == (1, 2)
    sender.frames.lost("viewer")
    assert sender.take_all() == [2]
    sender.append("a")
    sender.take_all()
    assert sender.arena.free == ROOM - 4 * KIB


def test_what_is_kept_for_latecomers_makes_room_first(sender):
    for number in range(8):
        sender.append(f"kept {number}", 8 * KIB)
    sender.take_all()
    for number in range(4):
        sender.append(f"new {number}", 8 * KIB)
    assert sender.counts() == (12, 8, 0, 4)
    sender.frames.lost("viewer")
    assert sender.take_all() == list(range(5, 13))


def test_missing_counts_what_a_viewer_never_had(sender):
    sender.append("a")
    sender.take_all()
    sender.append("b")
    sender.frames.lost("viewer")
    assert sender.frames.undelivered("viewer") == 2
    assert sender.frames.missing("viewer") == 1


class FramesMachine(RuleBasedStateMachine):
    """Any sequence of appends, sends, acknowledgements and losses, at several viewers."""

    viewers = ("left", "middle", "right")

    @initialize()
    def begin(self):
        self.sender = Sender(*self.viewers)
        self.in_hand = {viewer: [] for viewer in self.viewers}
        self.offered = 0
        self.last = {}

    def teardown(self):
        if hasattr(self, "sender"):
            self.sender.arena.close()

    @rule(
        path=st.sampled_from("abcdefgh"),
        size=st.integers(1, 30 * KIB),
        policy=st.sampled_from(["latest", "drop_oldest", "block", "error"]),
    )
    def append(self, path, size, policy):
        try:
            seq = self.sender.append(path, size, policy)
        except StorageFull:
            assert policy == "error"
            return
        self.offered += 1
        if seq is not None:
            self.last[path] = seq

    @rule(viewer=st.sampled_from(viewers), most=st.integers(1, 5))
    def send(self, viewer, most):
        seq = self.sender.take(viewer, most)
        if seq is not None:
            assert seq not in self.in_hand[viewer]
            self.in_hand[viewer].append(seq)

    @precondition(lambda self: any(self.in_hand.values()))
    @rule(data=st.data(), outcome=st.sampled_from(["shown", "superseded", "refused"]))
    def acknowledge(self, data, outcome):
        viewer = data.draw(st.sampled_from([name for name, held in self.in_hand.items() if held]))
        seq = data.draw(st.sampled_from(self.in_hand[viewer]))
        self.in_hand[viewer].remove(seq)
        assert self.sender.acknowledge(seq, viewer, outcome)

    @rule(viewer=st.sampled_from(viewers))
    def lose(self, viewer):
        self.in_hand[viewer].clear()
        self.sender.frames.lost(viewer)

    @rule(viewer=st.sampled_from(viewers), seq=st.integers(1000, 2000))
    def acknowledge_what_it_never_had(self, viewer, seq):
        assert not self.sender.acknowledge(seq, viewer)

    @rule(viewer=st.sampled_from(viewers))
    def drain(self, viewer):
        """What a viewer gets is in order, and at the end it has no older state of a path than is kept."""
        for seq in self.in_hand[viewer]:
            assert self.sender.acknowledge(seq, viewer)
        self.in_hand[viewer].clear()
        taken = self.sender.take_all(viewer)
        assert taken == sorted(set(taken))
        assert self.sender.frames.undelivered(viewer) == 0

    @invariant()
    def the_counts_add_up(self):
        for viewer in self.viewers:
            offered, sent, dropped, waiting = self.sender.counts(viewer)
            assert offered == self.offered == sent + dropped + waiting

    @invariant()
    def no_memory_is_lost(self):
        blocks = [frame.block for frame in self.sender.frames._alive.values()]
        assert self.sender.arena.free == self.sender.arena.size - ALIGNMENT - sum(
            block.size for block in blocks
        )
        held = {seq for seqs in self.in_hand.values() for seq in seqs}
        assert held <= self.sender.frames._alive.keys()

    @invariant()
    def only_last_states_are_kept(self):
        for (_, _, path), frame in self.sender.frames._current.items():
            assert frame.message.seq == self.last[path]


TestFramesInAnyOrder = FramesMachine.TestCase
TestFramesInAnyOrder.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


@pytest.mark.stress
def test_frames_in_any_order_at_length():
    settings_at_length = settings(max_examples=3000, stateful_step_count=120, deadline=None)
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(FramesMachine, settings=settings_at_length)
