"""Images and labels in the window."""

import numpy as np
import pytest
from napari_content import POSITIONS, image, labels, noise, points


def test_an_image_is_a_layer_with_its_pixels(napari):
    pixels = noise(64, 48)
    napari.call("show_image", image(pixels, "plate/result.npy", unit="micrometer", scale=(0.5, 0.5)))
    layer = napari.layer("plate/result.npy")
    assert (layer["kind"], layer["shape"], layer["dtype"]) == ("image", [64, 48], "uint16")
    assert (layer["axes"], layer["scale"], layer["units"]) == (["y", "x"], [0.5, 0.5], ["micrometer"] * 2)
    assert layer["contrast"] == [0, 255]
    np.testing.assert_array_equal(napari.call("pixels", "plate/result.npy", {}), pixels)


def test_the_screen_shows_the_image(napari):
    pixels = np.zeros((100, 100), np.uint8)
    pixels[:50] = 255
    napari.call("show_image", image(pixels, colormap="red"))
    canvas = napari.python("viewer.fit_to_view(); answer = viewer.screenshot(flash=False)")
    shown = napari.call("screenshot")
    assert shown.dtype == np.uint8
    assert shown.shape[2] == 3
    red = (shown == (255, 0, 0)).all(axis=2)
    rows = np.flatnonzero(red.sum(axis=1) > 100)
    assert red.sum() > 10_000
    assert rows[-1] - rows[0] < canvas.shape[0] * 0.6


def test_a_new_frame_takes_the_place_of_the_old_one_without_another_buffer(napari):
    napari.call("show_image", image(noise(32, 32)))
    before = napari.python("answer = viewer.layers['image'].data.ctypes.data")
    newer = noise(32, 32, seed=1)
    napari.call("show_image", image(newer))
    assert napari.python("answer = viewer.layers['image'].data.ctypes.data") == before
    np.testing.assert_array_equal(napari.call("pixels", "image", {}), newer)
    seen = napari.python("answer = viewer.layers['image']._slice.image.view")
    np.testing.assert_array_equal(seen, newer)


def test_what_the_user_changed_stays_when_frames_come(napari):
    napari.call("show_image", image(noise(32, 32), contrast=(0.0, 100.0)))
    napari.python(
        "layer = viewer.layers['image']; layer.contrast_limits = (10, 90); layer.colormap = 'magma';"
        "layer.opacity = 0.5; layer.gamma = 0.7; layer.visible = False"
    )
    napari.call("show_image", image(noise(32, 32, seed=1), contrast=(0.0, 4000.0)))
    layer = napari.layer("image")
    assert (layer["contrast"], layer["colormap"], layer["opacity"]) == ([10, 90], "magma", 0.5)
    assert layer["visible"] is False
    napari.python("viewer.layers['image'].visible = True")
    seen = napari.python("answer = viewer.layers['image']._slice.image.view")
    np.testing.assert_array_equal(seen, noise(32, 32, seed=1))


def test_contrast_widens_with_later_frames(napari):
    napari.call("show_image", image(noise(8, 8), contrast=(10.0, 100.0)))
    napari.call("show_image", image(noise(8, 8), contrast=(5.0, 50.0)))
    napari.call("show_image", image(noise(8, 8), contrast=(20.0, 300.0)))
    assert napari.layer("image")["contrast"] == [5, 300]


def test_contrast_that_was_given_holds(napari):
    napari.call("show_image", image(noise(8, 8), contrast=(10.0, 100.0), contrast_given=True))
    napari.call("show_image", image(noise(8, 8), contrast=(0.0, 4000.0)))
    assert napari.layer("image")["contrast"] == [10, 100]


def test_wells_and_fields_are_sliders_that_grow(napari):
    for number, position in enumerate(POSITIONS):
        frame = image(noise(16, 16, seed=number), f"p{number}", layer="plate", position=position)
        napari.call("show_image", frame)
    layer = napari.layer("plate")
    assert (layer["axes"], layer["shape"]) == (["well", "field", "y", "x"], [3, 2, 16, 16])
    assert napari.python("answer = viewer.dims.axis_labels, viewer.dims.nsteps[:2]") == (
        ("well", "field", "y", "x"),
        (3, 2),
    )
    for number, position in enumerate(POSITIONS):
        np.testing.assert_array_equal(napari.call("pixels", "plate", position), noise(16, 16, seed=number))
    assert layer["position"] == {"well": "A10", "field": 2}


def test_the_sliders_stay_where_the_user_put_them(napari):
    send = [
        image(noise(8, 8, seed=n), f"p{n}", layer="plate", position=position)
        for n, position in enumerate(POSITIONS)
    ]
    for frame in send[2:4]:
        napari.call("show_image", frame)
    napari.python("viewer.dims.set_current_step(1, 0)")
    for frame in (send[4], send[0], send[5], send[1]):
        napari.call("show_image", frame)
    assert napari.layer("plate")["position"] == {"well": "A02", "field": 1}
    seen = napari.python("answer = np.array(viewer.layers['plate']._slice.image.view)")
    np.testing.assert_array_equal(seen, noise(8, 8, seed=2))


def test_sliders_that_the_user_moves_to_the_newest_follow_again(napari):
    for number in range(3):
        napari.call("show_image", image(noise(8, 8), f"p{number}", layer="movie", position={"t": number}))
    napari.python("viewer.dims.set_current_step(0, 0)")
    napari.call("show_image", image(noise(8, 8), "p3", layer="movie", position={"t": 3}))
    assert napari.layer("movie")["position"] == {"t": 0}
    napari.python("viewer.dims.set_current_step(0, 3)")
    napari.call("show_image", image(noise(8, 8), "p4", layer="movie", position={"t": 4}))
    assert napari.layer("movie")["position"] == {"t": 4}


def test_channels_are_layers_in_colours_that_add_up(napari):
    for channel in (2, 1, 3):
        position = {"well": "A01", "channel": channel}
        napari.call(
            "show_image", image(noise(8, 8, seed=channel), f"c{channel}", layer="cells", position=position)
        )
    found = [napari.layer(f"cells channel {channel}") for channel in (1, 2, 3)]
    assert [layer["colormap"] for layer in found] == ["cyan", "magenta", "yellow"]
    assert {layer["blending"] for layer in found} == {"additive"}
    np.testing.assert_array_equal(
        napari.call("pixels", "cells", {"well": "A01", "channel": 2}), noise(8, 8, seed=2)
    )


def test_one_channel_is_gray_and_named_stains_have_their_colours(napari):
    first = image(noise(8, 8), "a", layer="one", position={"channel": 1})
    napari.call("show_image", first)
    assert napari.layer("one channel 1")["colormap"] == "gray"
    for channel, name in ((1, "DAPI"), (2, "GFP")):
        frame = image(
            noise(8, 8), f"{name}", layer="stained", position={"channel": channel}, channel_name=name
        )
        napari.call("show_image", frame)
    assert napari.layer("stained DAPI")["colormap"] == "blue"
    assert napari.layer("stained GFP")["colormap"] == "green"


def test_colours_are_taken_by_name_and_by_number(napari):
    napari.call("show_image", image(noise(8, 8), "named", colormap="viridis"))
    napari.call("show_image", image(noise(8, 8), "numbered", colormap="#ff8000"))
    assert napari.layer("named")["colormap"] == "viridis"
    end = napari.python("answer = viewer.layers['numbered'].colormap.map(np.array([1.0]))[0]")
    np.testing.assert_allclose(end, [1, 128 / 255, 0, 1], atol=0.01)


def test_channels_along_an_axis_are_layers_too(napari):
    pixels = noise(3, 2, 16, 16)
    napari.call("show_image", image(pixels, "stack", axes=("z", "channel", "y", "x")))
    assert napari.layer("stack channel 0")["shape"] == [3, 16, 16]
    assert napari.layer("stack channel 1")["axes"] == ["z", "y", "x"]
    np.testing.assert_array_equal(napari.call("pixels", "stack", {}), pixels)


def test_red_green_and_blue_are_shown_as_they_are(napari):
    pixels = noise(16, 24, 3, dtype="uint8")
    napari.call("show_image", image(pixels, "photo", axes=("y", "x", "rgb"), contrast=None))
    layer = napari.layer("photo")
    assert (layer["rgb"], layer["shape"], layer["axes"]) == (True, [16, 24, 3], ["y", "x", "rgb"])
    np.testing.assert_array_equal(napari.call("pixels", "photo", {}), pixels)


@pytest.mark.parametrize(
    "dtype",
    ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"],
)
def test_every_type_of_real_numbers_is_shown(napari, dtype):
    pixels = noise(16, 16, dtype=dtype)
    napari.call("show_image", image(pixels, contrast=(0.0, 1.0)))
    assert napari.layer("image")["dtype"] == dtype
    np.testing.assert_array_equal(napari.call("pixels", "image", {}), pixels)


def test_numbers_that_are_not_finite_are_shown(napari):
    pixels = np.full((16, 16), np.nan, np.float32)
    napari.call("show_image", image(pixels, contrast=(float("nan"), float("inf"))))
    assert napari.layer("image")["contrast"] == [0, 1]


def test_complex_numbers_are_refused(napari):
    with pytest.raises(ValueError, match="napari shows real numbers, not complex64"):
        napari.call("show_image", image(noise(8, 8, dtype="complex64")))
    assert napari.call("layers") == []


def test_an_image_without_pixels_is_refused_and_harms_no_other(napari):
    napari.call("show_image", image(noise(8, 8), "other"))
    for shape in ((0, 8), (8, 0), (2, 0, 8)):
        with pytest.raises(ValueError, match="has no pixels to show"):
            napari.call("show_image", image(noise(*shape)))
    napari.call("show_image", image(noise(2, 8, 8)))
    assert napari.call("screenshot").any()
    assert [layer["name"] for layer in napari.call("layers")] == ["other", "image"]


@pytest.mark.parametrize("unit", ["9**9**9**9", "1/0", "second", "no unit"])
def test_a_unit_that_is_no_length_is_refused_and_not_computed(napari, unit):
    with pytest.raises(ValueError, match="no unit of length"):
        napari.call("show_image", image(noise(8, 8), unit=unit))
    assert napari.call("layers") == []


@pytest.mark.parametrize("step", [1e-300, 1e308])
def test_pixels_that_no_graphics_card_can_draw_are_refused(napari, step):
    with pytest.raises(ValueError, match="choose another unit="):
        napari.call("show_image", image(noise(8, 8), scale=(1.0, step)))


def test_contrast_beyond_32_bits_is_cut(napari):
    napari.call("show_image", image(noise(8, 8, dtype="float32"), contrast=(-1e300, 1e300)))
    assert napari.layer("image")["contrast"] == [-1e38, 1e38]


def test_a_colormap_that_does_not_exist_is_refused_and_the_pixels_stay(napari):
    napari.call("show_image", image(noise(8, 8)))
    with pytest.raises(ValueError, match="napari has no colormap 'purpel'"):
        napari.call("show_image", image(noise(8, 8, seed=1), colormap="purpel"))
    np.testing.assert_array_equal(napari.call("pixels", "image", {}), noise(8, 8))


def test_what_is_refused_leaves_no_axis_behind(napari):
    napari.call("show_image", image(noise(8, 8)))
    with pytest.raises(ValueError, match="purpel"):
        napari.call("show_points", points([(1, 2)], "a", position={"well": "A01"}, color="purpel"))
    assert napari.python("answer = viewer.dims.ndim, len(viewer.layers)") == (2, 1)
    napari.call("show_image", image(noise(8, 8), "a", layer="stack", position={"z": 1}))
    assert napari.layer("stack")["axes"] == ["z", "y", "x"]


def test_another_type_is_refused_and_the_layer_stays(napari):
    napari.call("show_image", image(noise(8, 8)))
    with pytest.raises(ValueError, match="layer 'image' holds uint16, not float32; remove it first"):
        napari.call("show_image", image(noise(8, 8, dtype="float32")))
    with pytest.raises(ValueError, match=r"layer 'image' has the axes \('y', 'x'\), not \('z', 'y', 'x'\)"):
        napari.call("show_image", image(noise(2, 8, 8)))
    np.testing.assert_array_equal(napari.call("pixels", "image", {}), noise(8, 8))


def test_another_shape_takes_the_place_of_the_old_one(napari):
    napari.call("show_image", image(noise(8, 8)))
    napari.call("show_image", image(noise(20, 30)))
    assert napari.layer("image")["shape"] == [20, 30]
    assert napari.python("answer = viewer.layers['image']._slice.image.view.shape") == (20, 30)


def test_an_image_of_8192_pixels_comes_in_levels(napari):
    pixels = noise(8192, 256, dtype="uint8")
    napari.call("show_image", image(pixels))
    assert napari.layer("image")["multiscale"]
    assert napari.python("answer = [level.shape for level in viewer.layers['image'].data]") == [
        (8192, 256),
        (4096, 128),
        (2048, 64),
        (1024, 32),
    ]
    newer = noise(8192, 256, dtype="uint8", seed=1)
    napari.call("show_image", image(newer))
    coarse = napari.python("answer = np.array(viewer.layers['image'].data[3])")
    np.testing.assert_array_equal(coarse, newer[::8, ::8])
    np.testing.assert_array_equal(napari.call("pixels", "image", {}), newer)


def test_layers_with_other_axes_share_the_sliders_they_have_in_common(napari):
    for number, position in enumerate(POSITIONS):
        napari.call(
            "show_image", image(noise(8, 8, seed=number), f"a{number}", layer="raw", position=position)
        )
    for number, well in enumerate(("A01", "A02", "A10")):
        frame = image(noise(8, 8, seed=10 + number), f"b{number}", layer="sum", position={"well": well})
        napari.call("show_image", frame)
    napari.python("viewer.dims.set_current_step((0, 1), (1, 1))")
    seen = napari.python("answer = [np.array(viewer.layers[n]._slice.image.view) for n in ('raw', 'sum')]")
    np.testing.assert_array_equal(seen[0], noise(8, 8, seed=3))
    np.testing.assert_array_equal(seen[1], noise(8, 8, seed=11))


def test_labels_are_a_labels_layer_that_the_user_may_paint(napari):
    pixels = noise(16, 16, dtype="int32")
    for well in ("A01", "A02"):
        napari.call("show_labels", labels(pixels, well, layer="nuclei", position={"well": well}))
    layer = napari.layer("nuclei")
    assert (layer["kind"], layer["shape"], layer["dtype"]) == ("labels", [2, 16, 16], "int32")
    napari.python("viewer.layers['nuclei'].paint((0, 8, 8), 777)")
    assert napari.call("pixels", "nuclei", {"well": "A01"})[8, 8] == 777
    np.testing.assert_array_equal(napari.call("pixels", "nuclei", {"well": "A02"}), pixels)


def test_labels_of_fractions_are_refused(napari):
    with pytest.raises(ValueError, match="labels are integers, not float32"):
        napari.call("show_labels", labels(noise(8, 8, dtype="float32")))


def test_labels_lie_above_images_whenever_those_come(napari):
    napari.call("show_labels", labels(noise(8, 8)))
    napari.call("show_image", image(noise(8, 8)))
    assert [layer["name"] for layer in napari.call("layers")] == ["image", "labels"]


def test_labels_in_pixels_lie_on_an_image_in_micrometers(napari):
    napari.call("show_labels", labels(noise(8, 8), "before"))
    napari.call("show_image", image(noise(8, 8), scale=(0.65, 0.65), unit="micrometer"))
    napari.call("show_labels", labels(noise(8, 8), "after"))
    assert napari.layer("before")["scale"] == napari.layer("after")["scale"] == [0.65, 0.65]


def test_a_layer_is_removed_with_all_its_channels_and_sliders(napari):
    for channel in (1, 2):
        position = {"t": 0, "channel": channel}
        napari.call("show_image", image(noise(8, 8), f"c{channel}", layer="cells", position=position))
    napari.call("show_image", image(noise(8, 8), "other"))
    napari.call("remove", "cells")
    napari.call("remove", "never there")
    assert [layer["name"] for layer in napari.call("layers")] == ["other"]
    assert napari.python("answer = viewer.dims.ndim") == 2


def test_what_the_user_removed_comes_back_with_the_next_frame(napari):
    napari.call("show_image", image(noise(8, 8)))
    napari.python("viewer.layers.remove('image')")
    napari.call("show_image", image(noise(8, 8)))
    assert napari.layer("image")["shape"] == [8, 8]


def test_layers_of_the_user_are_described_and_read(napari):
    napari.python("viewer.add_image(np.arange(12).reshape(3, 4), name='mine')")
    assert napari.layer("mine")["streamed"] is False
    np.testing.assert_array_equal(napari.call("pixels", "mine", {}), np.arange(12).reshape(3, 4))


def test_a_layer_that_is_not_there_is_named_with_those_that_are(napari):
    napari.call("show_image", image(noise(8, 8)))
    with pytest.raises(LookupError, match=r"no layer 'imag'.*there are: 'image'"):
        napari.call("pixels", "imag", {})


def test_a_new_layer_does_not_take_the_selection_from_the_user(napari):
    napari.python("viewer.add_shapes(name='drawing')")
    napari.call("show_image", image(noise(8, 8)))
    assert napari.python("answer = viewer.layers.selection.active.name") == "drawing"
