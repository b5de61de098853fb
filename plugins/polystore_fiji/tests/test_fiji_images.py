"""Images and label images in the real ImageJ, looked at through its own API."""

import numpy as np
import pytest
from fiji_content import image, labels, plane
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

EXACT = [np.bool_, np.uint8, np.uint16, np.int8, np.int16, np.float16, np.float32]


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), dtype=st.sampled_from(EXACT), size=st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_imagej_holds_what_was_sent(shared_fiji, data, dtype, size):
    sent = data.draw(arrays(dtype, size))
    shared_fiji.call("show_image", image(sent, "round trip", contrast=(0.0, 1.0)))
    held = shared_fiji.call("pixels", "round trip", {})
    assert np.array_equal(held, sent, equal_nan=sent.dtype.kind == "f")


@pytest.mark.parametrize("samples", [3, 4])
def test_colours_are_held_exactly(fiji, samples):
    sent = np.random.default_rng(0).integers(0, 256, (11, 17, samples), dtype=np.uint8)
    fiji.call("show_image", image(sent, axes=("y", "x", "rgb")))
    assert fiji.java("imp('image').getBitDepth()") == 24
    assert np.array_equal(fiji.call("pixels", "image", {}), sent)


@pytest.mark.parametrize(
    ("dtype", "bits"), [(np.uint8, 8), (np.uint16, 16), (np.float32, 32), (np.bool_, 8), (np.int16, 32)]
)
def test_each_dtype_has_its_bit_depth(fiji, dtype, bits):
    fiji.call("show_image", image(np.ones((4, 5), dtype)))
    assert fiji.java("imp('image').getBitDepth()") == bits


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint32, np.int64, np.complex64])
def test_what_imagej_does_not_hold_exactly_is_refused_with_what_to_type(fiji, dtype):
    with pytest.raises(ValueError, match=r"image.astype\('float32'\) or image.astype\('uint16'\)"):
        fiji.call("show_image", image(np.zeros((4, 5), dtype), contrast=(0.0, 1.0)))
    assert fiji.call("layers") == []


def test_colours_of_16_bits_are_refused(fiji):
    with pytest.raises(ValueError, match="ImageJ has colours of 8 bits, these are uint16"):
        fiji.call("show_image", image(np.zeros((4, 5, 3), np.uint16), axes=("y", "x", "rgb")))


def test_an_image_without_pixels_is_refused(fiji):
    with pytest.raises(ValueError, match="at least one pixel"):
        fiji.call("show_image", image(np.zeros((0, 5), np.uint8), contrast=(0.0, 1.0)))


@pytest.mark.parametrize("shape", [(100_000, 1), (1, 100_000)])
def test_an_image_that_is_all_height_or_width_is_painted(fiji, shape):
    size = "(imp('image').getCanvas().getHeight(), imp('image').getCanvas().getWidth())"
    for first in ((4, 5), shape):
        fiji.call("show_image", image(np.ones(first, np.uint8), contrast=(0.0, 1.0)))
    assert fiji.call("screenshot").any()
    assert min(fiji.java(size)) > 0


def test_an_image_in_place_of_a_stack_whose_slider_was_moved(fiji):
    fiji.call("show_image", image(np.zeros((3, 4, 5), np.uint8)))
    fiji.java("imp('image').setPosition(1, 2, 1)")
    fiji.call("show_image", image(np.full((4, 5), 7, np.uint8)))
    assert (fiji.call("pixels", "image", {}) == 7).all()


def test_more_planes_than_imagej_can_arrange_are_refused(fiji):
    with pytest.raises(ValueError, match="an array of 1000000 planes"):
        fiji.call("show_image", image(np.zeros((10**6, 1, 1), np.uint8)))
    positions = [{f"axis{number}": step for number in range(8)} for step in range(5)]
    for position in positions[:4]:
        fiji.call("show_image", plane(1, **position))
    with pytest.raises(ValueError, match="5 x 5 x 5 x 5 x 5 x 5 x 5 x 5 planes along axis0"):
        fiji.call("show_image", plane(1, **positions[4]))
    fiji.call("show_image", plane(2, **positions[3]))
    assert (fiji.call("pixels", "stack", positions[3]) == 2).all()


def test_a_window_per_path(fiji):
    fiji.call("show_image", image(np.zeros((4, 5), np.uint8), "a.npy"))
    fiji.call("show_image", image(np.zeros((4, 5), np.uint8), "b.npy"))
    assert [layer["window"] for layer in fiji.call("layers")] == ["a.npy", "b.npy"]
    assert fiji.java("ij('ij.WindowManager').getImageCount()") == 2


def test_the_window_is_on_the_screen_with_the_pixels_in_it(fiji):
    fiji.call("show_image", image(np.full((200, 300), 255, np.uint8), contrast=(0.0, 255.0)))
    shown = fiji.call("screenshot")
    assert (shown.dtype, shown.ndim, shown.shape[2]) == (np.uint8, 3, 3)
    assert (shown == 255).all(axis=2).sum() >= 200 * 300


def test_a_later_frame_is_written_into_the_same_java_array(fiji):
    sent = np.zeros((4, 5), np.uint16)
    fiji.call("show_image", image(sent, contrast=(0.0, 100.0)))
    number = "ij('java.lang.System').identityHashCode(imp('image').getProcessor().getPixels())"
    before = fiji.java(number), fiji.java("imp('image').getID()")
    fiji.call("show_image", image(sent + 7, contrast=(0.0, 100.0)))
    assert (fiji.java(number), fiji.java("imp('image').getID()")) == before
    assert (fiji.call("pixels", "image", {}) == 7).all()


def test_whoever_listens_to_the_image_is_told_of_every_frame(fiji):
    fiji.call("show_image", image(np.zeros((4, 5), np.uint8)))
    fiji.java("ij('ij.ImagePlus').addImageListener(listener(heard))", heard="updates")
    for _ in range(3):
        fiji.call("show_image", image(np.ones((4, 5), np.uint8)))
    assert fiji.java("settled(heard)", heard="updates") == 3


def test_a_path_saved_anew_with_another_dtype_and_shape_replaces_the_image_in_its_window(fiji):
    fiji.call("show_image", image(np.ones((4, 5), np.uint8)))
    number = fiji.java("imp('image').getID()")
    sent = np.arange(42, dtype=np.float32).reshape(6, 7)
    fiji.call("show_image", image(sent))
    assert np.array_equal(fiji.call("pixels", "image", {}), sent)
    assert fiji.java("imp('image').getID()") == number


def test_channels_z_and_t_become_a_hyperstack_that_grows_while_planes_arrive_in_any_order(fiji):
    sent = {(c, z, t): 100 * c + 10 * z + t for c in (2, 1) for z in (3, 1, 2) for t in (1, 0)}
    for (c, z, t), value in sent.items():
        fiji.call("show_image", plane(value, channel=c, z=z, t=t))
    assert fiji.java(
        "(imp('stack').getNChannels(), imp('stack').getNSlices(), imp('stack').getNFrames())"
    ) == (2, 3, 2)
    assert fiji.java("imp('stack').isComposite() and imp('stack').isHyperStack()")
    for (c, z, t), value in sent.items():
        assert (fiji.call("pixels", "stack", {"channel": c, "z": z, "t": t}) == value).all()
        index = f"imp('stack').getStackIndex({c}, {z}, {t + 1})"
        assert fiji.java(f"imp('stack').getStack().getProcessor({index}).get(0, 0)") == value


def test_an_array_with_axes_of_its_own_is_a_hyperstack_too(fiji):
    sent = np.random.default_rng(0).integers(0, 99, (2, 3, 4, 5, 6), dtype=np.uint16)
    fiji.call("show_image", image(sent))
    assert fiji.java(
        "(imp('image').getNFrames(), imp('image').getNChannels(), imp('image').getNSlices())"
    ) == (2, 3, 4)
    assert np.array_equal(fiji.call("pixels", "image", {}), sent)


def test_well_and_field_are_sliders_unless_they_are_named_as_windows(fiji):
    for well in ("A2", "A10", "A1"):
        for field in (0, 1):
            fiji.call("show_image", plane(field, well=well, field=field))
    (layer,) = fiji.call("layers")
    assert layer["values"] == {"well": ["A1", "A2", "A10"], "field": [0, 1]}
    assert fiji.java("(imp('stack').getNFrames(), imp('stack').getNSlices())") == (3, 2)
    assert fiji.java("imp('stack').getStack().getSliceLabel(6)") == "A10, field 1"


def test_axes_named_as_windows_have_windows_of_their_own(screen, tmp_path):
    from fiji_process import FijiProcess

    process = FijiProcess(screen, tmp_path, windows=["well"])
    try:
        for well in ("A1", "A2"):
            for z in (1, 2):
                process.call("show_image", plane(z, well=well, z=z))
        assert [layer["window"] for layer in process.call("layers")] == ["stack A1", "stack A2"]
        assert (process.call("pixels", "stack", {"well": "A2", "z": 2}) == 2).all()
        with pytest.raises(LookupError):
            process.call("pixels", "stack", {"well": "A3", "z": 2})
    finally:
        process.end()


def test_a_position_that_was_not_sent_is_a_lookup_error(fiji):
    fiji.call("show_image", plane(1, channel=1, z=1))
    fiji.call("show_image", plane(2, channel=2, z=2))
    for position in ({"channel": 1, "z": 2}, {"channel": 3, "z": 1}, {"z": 1}, {}):
        with pytest.raises(LookupError):
            fiji.call("pixels", "stack", position)
    with pytest.raises(LookupError, match="no image 'other'; there are: stack"):
        fiji.call("pixels", "other", {})


def test_a_plane_that_does_not_fit_its_layer_is_refused(fiji):
    fiji.call("show_image", plane(1, z=1))
    with pytest.raises(ValueError, match="the layer 'stack' holds uint8"):
        fiji.call("show_image", plane(1, z=2, dtype=np.uint16))
    with pytest.raises(ValueError, match="save it with another layer="):
        fiji.call("show_image", plane(1, z=2, size=(21, 30)))
    with pytest.raises(ValueError, match="the layer 'stack' shows image"):
        fiji.call("show_labels", labels(np.ones((4, 5), np.uint8), "stack"))


def test_channels_are_coloured_as_imagej_does_and_as_the_caller_says(fiji):
    fiji.call("show_image", plane(1, channel=1))
    fiji.call("show_image", plane(1, channel=2, colormap="#ff8000"))
    fiji.call("show_image", plane(1, channel=3, colormap="magenta"))
    last = fiji.java("[list(lut.getBytes()[255::256]) for lut in imp('stack').getLuts()]")
    assert (np.array(last) % 256).tolist() == [[255, 0, 0], [255, 128, 0], [255, 0, 255]]


def test_stains_of_well_known_names_have_their_usual_colours_and_one_channel_alone_is_gray(fiji):
    last = "[list(lut.getBytes()[255::256]) for lut in imp('stack').getLuts()]"
    fiji.call("show_image", plane(1, channel=1, channel_name="other"))
    assert (np.array(fiji.java(last)) % 256).tolist() == [[255, 255, 255]]
    fiji.call("show_image", plane(1, channel=2, channel_name="DAPI"))
    assert (np.array(fiji.java(last)) % 256).tolist() == [[255, 0, 0], [0, 0, 255]]


def test_no_channel_gets_the_colour_of_a_stain_beside_it(fiji):
    for channel, name in enumerate(("DNA", "pH3", "actin")):
        fiji.call("show_image", plane(1, channel=channel, channel_name=name))
    last = fiji.java("[list(lut.getBytes()[255::256]) for lut in imp('stack').getLuts()]")
    assert (np.array(last) % 256).tolist() == [[0, 0, 255], [255, 0, 0], [0, 255, 0]]


def test_a_composite_mixes_its_channels_on_the_screen(fiji):
    size = (120, 160)
    for channel, value in enumerate((255, 255, 0)):
        fiji.call("show_image", plane(value, channel=channel, size=size))
    shown = fiji.call("screenshot")
    assert (shown == (255, 255, 0)).all(axis=2).sum() >= 120 * 160


def test_a_colormap_that_does_not_exist_is_refused(fiji):
    with pytest.raises(ValueError, match="no colormap 'purpel'; there are red, green"):
        fiji.call("show_image", image(np.zeros((4, 5), np.uint8), colormap="purpel"))


def test_estimated_contrast_widens_and_given_contrast_holds(fiji):
    shown = "(imp('image').getDisplayRangeMin(), imp('image').getDisplayRangeMax())"
    pixels = np.zeros((4, 5), np.uint16)
    fiji.call("show_image", image(pixels, contrast=(10.0, 200.0)))
    fiji.call("show_image", image(pixels, contrast=(50.0, 900.0)))
    assert fiji.java(shown) == (10, 900)
    fiji.call("show_image", image(pixels, contrast=(100.0, 300.0), contrast_given=True))
    fiji.call("show_image", image(pixels, contrast=(0.0, 4000.0)))
    assert fiji.java(shown) == (100, 300)


def test_contrast_that_the_user_changed_stays(fiji):
    pixels = np.zeros((4, 5), np.uint16)
    fiji.call("show_image", image(pixels, contrast=(10.0, 200.0)))
    fiji.java("imp('image').setDisplayRange(20, 30)")
    fiji.call("show_image", image(pixels, contrast=(0.0, 4000.0)))
    assert fiji.call("layers")[0]["contrast"] == [20, 30]


def test_each_channel_has_its_contrast_and_what_the_user_changed_in_one_stays_when_channels_are_added(fiji):
    fiji.call("show_image", plane(1, channel=1, contrast=(0.0, 10.0)))
    fiji.call("show_image", plane(1, channel=2, contrast=(0.0, 20.0)))
    fiji.java("(imp('stack').setC(2), imp('stack').setDisplayRange(5, 6), imp('stack').updateAndDraw())")
    fiji.java("imp('stack').setC(1)")
    fiji.call("show_image", plane(1, channel=0, contrast=(0.0, 30.0)))
    assert fiji.call("layers")[0]["contrasts"] == [[0, 30], [0, 10], [5, 6]]


def test_pixel_size_and_unit_become_the_calibration(fiji):
    pixels = np.zeros((3, 4, 5), np.uint8)
    fiji.call("show_image", image(pixels, scale=(2.0, 0.5, 0.25), unit="micrometer"))
    found = (
        "(lambda c: (c.pixelDepth, c.pixelHeight, c.pixelWidth, c.getUnit()))(imp('image').getCalibration())"
    )
    assert fiji.java(found) == (2.0, 0.5, 0.25, "micron")


def test_a_pixel_size_that_comes_later_is_taken_over_and_what_the_user_sets_stays(fiji):
    pixels, width = np.zeros((4, 5), np.uint8), "imp('image').getCalibration().pixelWidth"
    fiji.call("show_image", image(pixels))
    fiji.call("show_image", image(pixels, scale=(0.5, 0.25), unit="micrometer"))
    assert fiji.java(width) == 0.25
    fiji.java("setattr(imp('image').getCalibration(), 'pixelWidth', 3.0)")
    fiji.call("show_image", image(pixels, scale=(0.5, 0.25), unit="micrometer"))
    assert fiji.java(width) == 3


def test_axes_that_are_no_planes_are_refused(fiji):
    with pytest.raises(ValueError, match=r"do not end in y and x.*np.moveaxis"):
        fiji.call(
            "show_image", image(np.zeros((4, 5, 6), np.uint8), axes=("y", "x", "z"), contrast=(0.0, 1.0))
        )
    with pytest.raises(ValueError, match="both the path and the array have the axis z"):
        fiji.call("show_image", image(np.zeros((4, 5, 6), np.uint8), position={"z": 1}, contrast=(0.0, 1.0)))


def test_the_newest_plane_is_shown_until_the_user_moves_a_slider(fiji):
    for t in range(3):
        fiji.call("show_image", plane(t, t=t))
    assert fiji.java("imp('stack').getT()") == 3
    fiji.java("imp('stack').setT(2)")
    for t in (-1, 7):
        fiji.call("show_image", plane(9, t=t))
    assert fiji.java("(imp('stack').getT(), imp('stack').getNFrames())") == (3, 5)
    assert fiji.java("imp('stack').getProcessor().get(0, 0)") == 1


def test_a_window_that_the_user_closed_opens_again_with_the_next_frame(fiji):
    fiji.call("show_image", plane(1, z=1))
    fiji.java("imp('stack').close()")
    assert fiji.call("layers") == []
    fiji.call("show_image", plane(2, z=2))
    assert fiji.call("layers")[0]["shape"] == [1, 20, 30]


def test_what_the_user_did_to_the_pixels_gives_way_to_the_next_frame(fiji):
    sent = np.full((8, 9), 77, np.uint16)
    fiji.call("show_image", image(sent))
    fiji.java("ij('ij.IJ').run(imp('image'), '8-bit', '')")
    fiji.call("show_image", image(sent))
    assert np.array_equal(fiji.call("pixels", "image", {}), sent)


def test_images_that_the_user_opened_are_listed_and_can_be_read(fiji):
    fiji.java("ij('ij.IJ').createImage('mine', '16-bit ramp', 30, 20, 2).show()")
    (layer,) = fiji.call("layers")
    assert (layer["name"], layer["shape"], layer["dtype"]) == ("mine", [2, 20, 30], "uint16")
    assert fiji.call("pixels", "mine", {}).shape == (2, 20, 30)


@pytest.mark.parametrize(("most", "bits"), [(300, 16), (65535, 16), (65536, 32), (2**24, 32)])
def test_labels_are_held_exactly_in_colours_of_their_own(fiji, most, bits):
    sent = np.linspace(0, most, 600).astype(np.int64).reshape(20, 30)
    fiji.call("show_labels", labels(sent))
    assert np.array_equal(fiji.call("pixels", "labels", {}), sent)
    assert fiji.java("imp('labels').getBitDepth()") == bits
    table = np.array(fiji.java("list(imp('labels').getLuts()[0].getBytes())")).reshape(3, 256)
    assert table[:, 0].tolist() == [0, 0, 0]
    assert len(np.unique(table, axis=1).T) == 256


def test_a_label_image_grows_into_larger_labels(fiji):
    small, large = np.full((4, 5), 7, np.int32), np.full((4, 5), 2**20, np.int32)
    fiji.call("show_labels", labels(small, position={"z": 1}))
    fiji.call("show_labels", labels(large, position={"z": 2}))
    fiji.call("show_labels", labels(small, position={"z": 3}))
    for z, sent in enumerate((small, large, small), 1):
        assert np.array_equal(fiji.call("pixels", "labels", {"z": z}), sent)


def test_labels_that_imagej_cannot_hold_are_refused(fiji):
    with pytest.raises(ValueError, match="relabel_sequential"):
        fiji.call("show_labels", labels(np.full((4, 5), 2**24 + 1, np.int64)))


def test_a_removed_layer_is_gone_and_one_that_is_not_there_is_no_error(fiji):
    fiji.call("show_image", plane(1, z=1))
    fiji.call("remove", "stack")
    fiji.call("remove", "stack")
    assert fiji.call("layers") == []
    assert fiji.java("ij('ij.WindowManager').getImageCount()") == 0


def test_pixels_that_java_has_no_room_for_are_refused_and_nothing_is_harmed(screen, tmp_path):
    from fiji_process import FijiProcess

    process = FijiProcess(screen, tmp_path, memory="64m")
    try:
        process.call("show_image", plane(1, z=1))
        with pytest.raises(ValueError, match=r"Java has no room.*memory='8g'"):
            process.call("show_image", image(np.zeros((8000, 8000), np.float32), "large"))
        process.call("show_image", plane(5, z=1))
        assert (process.call("pixels", "stack", {"z": 1}) == 5).all()
    finally:
        process.end()
