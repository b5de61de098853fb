"""What breaks the protocol, and what keeps to it and cannot be shown, harms neither a viewer nor its others.

Every test runs with each of the ``KINDS`` of viewers, over its real sockets.
"""

import os
import random
import warnings

import numpy as np
import pytest
from odd_contents import CONTENTS, image, plain
from test_wire_hostile import HOSTILE_FRAMES, HOSTILE_PIECES
from viewer_processes import KINDS, PATIENCE, eventually, viewers_of
from viewer_wire import wire_senders
from wire_fuzzing import damaged_messages
from wire_support import frame

from polystore_streaming.wire import Refused, encode

MIB = 1 << 20
OPTIONS = {"fiji": ["--options", '{"memory": "64m"}']}
"""Java takes what it is allowed to before it looks for garbage."""

DECLARED = {"WARNING: Inconsistent units across layers; units will not be used for rendering."}
"""What napari has to say about layers of which some have no unit."""


class Attacked:
    """A viewer with an honest client, and senders that say anything.

    Attributes
    ----------
    make
        Makes a sender.
    """

    def __init__(self, viewers, make):
        self.viewers = viewers
        self.process = viewers.start("", *OPTIONS.get(viewers.kind.name, []))
        self.make = make
        self._log = viewers.files().log
        self._number = 0
        self._honest = viewers.manager(autostart=False)

    def serve_honest(self):
        """Have the honest client save another state, and not wait for it."""
        self._number += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._honest.save(self._state, "honest", backend=self.viewers.backend)

    @property
    def _state(self):
        return np.full((16, 16), self._number % 65536, np.uint16)

    def assert_unharmed(self):
        """The viewer lives, shows the honest client's last state, and has nothing to complain of."""
        self.serve_honest()
        sink = self._honest.stream(backend=self.viewers.backend)
        eventually(lambda: sink.metrics()[self.viewers.kind.name]["state"] == "ready")
        assert self._honest.flush(backend=self.viewers.backend, timeout=PATIENCE) == 0
        assert np.array_equal(sink.pixels("honest", timeout=PATIENCE), self._state)
        assert sink.metrics()[self.viewers.kind.name]["refused"] == 0
        assert sink.screenshot(timeout=PATIENCE).any()
        assert self.process.poll() is None
        assert set(self._log.read_text(errors="replace").splitlines()) <= DECLARED

    @property
    def memory(self):
        """Bytes of the viewer process, pages that it shares left out."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            _, resident, shared, *_ = map(int, file.read().split())
        return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def attacked(request):
    """A running viewer of every kind."""
    with viewers_of(request.param) as viewers, wire_senders(viewers) as make:
        yield Attacked(viewers, make)


def say_hostile_things(attacked):
    """Say everything of the catalogues; each is answered by a refusal."""
    for header in HOSTILE_FRAMES.values():
        sender = attacked.make()
        sender.say(header)
        assert isinstance(sender.hear(), Refused)
        sender.close()
        attacked.serve_honest()
    for piece, payload in HOSTILE_PIECES.values():
        sender = attacked.make()
        sender.say(encode(frame()))
        sender.say(encode(piece), payload)
        assert isinstance(sender.hear(), Refused)
        sender.close()
        attacked.serve_honest()


def say_damaged_things(attacked, messages, seed):
    """Say damaged messages in small groups, all that the viewer answers is read; tidy up behind them."""
    sender = attacked.make()
    damaged = damaged_messages(random.Random(seed), messages)
    for number, parts in enumerate(damaged):
        sender.say(*parts)
        if number % 4 == 0:
            sender.settle()
        if number % 100 == 0:
            attacked.serve_honest()
    sender.settle()
    for layer in sender.ask("layers"):
        name = layer.get("layer", layer["name"])
        if name != "honest":
            sender.ask("remove", layer=name)
    sender.close()


def show_odd_contents(attacked, contents):
    """Show odd contents; each is shown, or refused with a reason that its sender hears."""
    honest, odd = attacked.make(), attacked.make()
    for name, frames in contents.items():
        for number, (fields, arrays) in enumerate(frames):
            said = odd.show({"path": f"odd {number}", **fields}, arrays)
            if isinstance(said, str):
                odd.close()
                odd = attacked.make()
            assert said if isinstance(said, str) else said.outcome == "shown" or said.reason, name
            seen = honest.show(*image(plain(), path="another", layer="another"))
            assert (name, seen.outcome, seen.reason) == (name, "shown", "")
        for layer in {fields.get("layer", "odd")[:4096] for fields, _ in frames}:
            odd.ask("remove", layer=layer)
        attacked.serve_honest()
    honest.close()
    odd.close()


def test_hostile_messages(attacked):
    say_hostile_things(attacked)
    attacked.assert_unharmed()


def test_damaged_messages(attacked):
    say_damaged_things(attacked, 250, seed=0)
    attacked.assert_unharmed()
    before = attacked.memory
    say_damaged_things(attacked, 1250, seed=1)
    attacked.assert_unharmed()
    assert attacked.memory - before < 64 * MIB


@pytest.mark.stress
def test_a_hundred_thousand_damaged_messages(attacked, capsys):
    say_damaged_things(attacked, 2000, seed=0)
    attacked.assert_unharmed()
    before = attacked.memory
    for seed in range(1, 51):
        say_damaged_things(attacked, 2000, seed)
        say_hostile_things(attacked)
    attacked.assert_unharmed()
    grown = attacked.memory - before
    with capsys.disabled():
        print(f"\n{attacked.viewers.kind.name}: 100,000 damaged messages, {grown / MIB:.1f} MiB grown")
    assert grown < 64 * MIB


def test_some_odd_contents(attacked):
    show_odd_contents(attacked, dict(list(CONTENTS.items())[::8]))
    attacked.assert_unharmed()


@pytest.mark.stress
def test_all_odd_contents(attacked, capsys):
    show_odd_contents(attacked, CONTENTS)
    attacked.assert_unharmed()
    before = attacked.memory
    show_odd_contents(attacked, CONTENTS)
    attacked.assert_unharmed()
    grown = attacked.memory - before
    with capsys.disabled():
        print(f"\n{attacked.viewers.kind.name}: {len(CONTENTS)} odd contents, {grown / MIB:.1f} MiB grown")
    assert grown < 64 * MIB
