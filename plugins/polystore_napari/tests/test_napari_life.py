"""How the window begins and ends."""

import os
import signal

import pytest
from napari_content import image, noise
from napari_process import NapariProcess

from polystore_core import ViewerUnreachable
from polystore_streaming.viewer import Status

SETTINGS = "schema_version: 0.9.0\nappearance:\n  theme: light\napplication:\n  confirm_close_window: true\n"


@pytest.fixture
def own_napari(screen, tmp_path):
    """A napari that the test may end."""
    process = NapariProcess(screen, tmp_path)
    yield process
    process.end()


def test_it_closes_without_asking(own_napari):
    own_napari.call("show_image", image(noise(8, 8)))
    own_napari.say("close")
    assert own_napari.wait() == 0


def test_it_closes_without_asking_when_the_user_closes_the_window(own_napari):
    own_napari.call("show_image", image(noise(8, 8)))
    statements = "viewer.window._qt_window.close(quit_app=False, confirm_need=True)"
    own_napari.say("execute", statements, {})
    assert own_napari.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_close_the_window(own_napari, number):
    own_napari.call("show_image", image(noise(8, 8)))
    os.kill(own_napari.process.pid, number)
    assert own_napari.wait() == 0


def test_the_settings_of_the_user_are_read_and_left_as_they_are(screen, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text(SETTINGS)
    process = NapariProcess(screen, tmp_path, NAPARI_CONFIG=str(settings))
    theme, path = process.python(
        "from napari.settings import get_settings; settings = get_settings();"
        "settings.application.playback_fps = 3; answer = settings.appearance.theme, settings.config_path"
    )
    process.say("close")
    assert process.wait() == 0
    process.end()
    assert (theme, path) == ("light", None)
    assert settings.read_text() == SETTINGS
    assert [found.name for found in tmp_path.rglob("*.yaml")] == ["settings.yaml"]


def test_the_corner_of_the_window_tells_how_the_stream_is_doing(own_napari):
    own_napari.call("show_image", image(noise(8, 8), "p", layer="plate", position={"well": "B03"}))
    own_napari.call(
        "show_status", Status(received=3, shown=2, superseded=1, dropped=4, latency=0.02, senders=1)
    )
    said = own_napari.python("answer = display._status.text")
    assert said == "well B03    2 shown, 1 superseded, 4 dropped, 20 ms, 1 sender"


def test_without_a_screen_it_says_how_to_get_one(tmp_path):
    with pytest.raises(ViewerUnreachable, match=r"neither DISPLAY nor WAYLAND_DISPLAY is set.*xvfb-run"):
        NapariProcess(None, tmp_path)


def test_a_screen_that_does_not_answer_is_named(tmp_path):
    with pytest.raises(ViewerUnreachable, match="cannot open the screen DISPLAY=':77777'"):
        NapariProcess(":77777", tmp_path)
