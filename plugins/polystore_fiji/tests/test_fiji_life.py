"""How the display ends: never by a dialog that waits for somebody."""

import os
import signal

import numpy as np
import pytest
from fiji_content import image
from fiji_process import FijiProcess

from polystore_streaming.viewer import Status


@pytest.fixture
def own_fiji(screen, tmp_path):
    """A display of the test's own, with an image that the user changed."""
    process = FijiProcess(screen, tmp_path)
    process.call("show_image", image(np.zeros((40, 40), np.uint8)))
    yield process
    process.end()


def change_the_image(process):
    process.java("(imp('image').getProcessor().invert(), setattr(imp('image'), 'changes', True))")


def test_close_ends_it_without_asking(own_fiji):
    change_the_image(own_fiji)
    own_fiji.call("close")
    assert own_fiji.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_as_close_does(own_fiji, number):
    change_the_image(own_fiji)
    os.kill(own_fiji.process.pid, number)
    assert own_fiji.wait() == 0


def test_closing_the_main_window_ends_it(own_fiji):
    change_the_image(own_fiji)
    event = "ij('java.awt.event.WindowEvent')"
    own_fiji.java(
        f"ij('ij.IJ').getInstance().dispatchEvent({event}(ij('ij.IJ').getInstance(), {event}.WINDOW_CLOSING))"
    )
    assert own_fiji.wait() == 0


def test_quitting_by_the_menu_ends_it(own_fiji):
    change_the_image(own_fiji)
    own_fiji.java("ij('ij.IJ').doCommand('Quit')")
    assert own_fiji.wait() == 0


def open_dialogs(process):
    windows, dialog = "ij('java.awt.Window').getWindows()", "ij('java.awt.Dialog')"
    return process.java(f"len([w for w in {windows} if isinstance(w, {dialog}) and w.isShowing()])")


@pytest.mark.parametrize("command", ["Image...", "Close All"])
def test_it_goes_on_and_can_be_closed_while_a_dialog_waits_for_the_user(own_fiji, command):
    change_the_image(own_fiji)
    own_fiji.java(f"ij('ij.IJ').doCommand({command!r})")
    while not open_dialogs(own_fiji):
        pass
    own_fiji.call("show_image", image(np.ones((40, 40), np.uint8)))
    assert (own_fiji.call("pixels", "image", {}) == 1).all()
    own_fiji.call("close")
    assert own_fiji.wait() == 0


def test_the_status_bar_tells_latency_and_losses(fiji):
    fiji.call("show_status", Status(received=9, shown=7, dropped=2, latency=0.0123, senders=1))
    assert fiji.java("ij('ij.ImageJ').getStatusBarText()") == "7 shown, 12 ms, 2 dropped, 1 sender"


def test_the_main_window_has_the_title_it_was_given(fiji):
    assert fiji.java("ij('ij.IJ').getInstance().getTitle()") == "PolyStore"
