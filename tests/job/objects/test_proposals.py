"""Tests of job/objects/outlines.py and proposals.py: objects that differ from their surroundings."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from job.objects import outlines, proposals, windows
from job.objects.proposals import Proposals

RED, BLUE = (200, 40, 40), (40, 60, 190)


def drawn(size: tuple[int, int], *ellipses: tuple[int, int, int, int]) -> Image.Image:
    """Return red ellipses, by their boxes, on noisy blue."""
    noise = np.random.default_rng(0).integers(-20, 21, (size[1], size[0], 3))
    photo = Image.fromarray((np.array(BLUE) + noise).astype(np.uint8))
    for box in ellipses:
        ImageDraw.Draw(photo).ellipse(box, RED)
    return photo


def outlined(photo: Image.Image, window: tuple[float, float, float]) -> outlines.Outlines:
    """Return the outline of the object in one window."""
    x, y, side = window
    return outlines.outline(*windows.cut(photo, np.array([[x, y, side * outlines.CONTEXT]]), outlines.COARSE))


def test_outlines_an_object_off_the_middle() -> None:
    photo, window = drawn((200, 200), (70, 70, 130, 130)), (110.0, 95.0, 70.0)

    found = outlined(photo, window)

    box = outlines.boxes(found.masks, np.array([window]))[0]
    assert box == pytest.approx([70, 70, 130, 130], abs=4)
    assert found.contrast[0] > 2


def test_plain_photo_has_no_contrast() -> None:
    assert outlined(Image.new("RGB", (200, 200), BLUE), (100, 100, 70)).contrast[0] < proposals.CONTRAST


def test_connected_leaves_out_other_parts() -> None:
    masks = np.zeros((1, 5, 5), np.bool_)
    masks[0, 2, 1:4] = masks[0, 0, 0] = masks[0, 3, 4] = True
    core = np.zeros((5, 5), np.bool_)
    core[2, 2] = True

    assert np.argwhere(outlines.connected(masks, core)[0]).tolist() == [[2, 1], [2, 2], [2, 3]]


def test_smoothed_removes_thin_parts_and_notches() -> None:
    masks = np.zeros((1, 9, 9), np.bool_)
    masks[0, 2:7, 2:7] = masks[0, 4, :] = True
    masks[0, 4, 4] = False

    smooth = outlines.smoothed(masks, 1)[0]

    assert smooth[4, 4]
    assert not smooth[4, 0]
    assert not smooth[4, 8]


def test_opened_removes_thin_parts_and_what_they_connect() -> None:
    masks = np.zeros((2, 24, 24), np.bool_)
    masks[:, 6:18, 4:14] = masks[0, 10:12, 14:18] = masks[0, 8:14, 18:24] = True
    core = np.zeros((24, 24), np.bool_)
    core[10:14, 8:12] = True

    thick = outlines.opened(masks, core, 2)

    assert np.array_equal(thick[0], masks[1])
    assert np.array_equal(thick[1], masks[1])


def test_opened_keeps_a_thin_object() -> None:
    masks = np.zeros((1, 24, 24), np.bool_)
    masks[0, 2:22, 10:13] = True

    assert np.array_equal(outlines.opened(masks, masks[0], 3), masks)


def test_edges_are_the_outline_of_a_whole_object() -> None:
    photo, window = drawn((200, 200), (50, 50, 150, 150)), np.array([[100.0, 100.0, 160.0]])
    pixels, inside = windows.cut(photo, window, outlines.FINE)
    from_middle = np.hypot(*(np.mgrid[: outlines.FINE, : outlines.FINE] - outlines.FINE / 2)) * 160 / outlines.FINE

    whole, part, none = (outlines.edges(pixels, inside, (from_middle < radius)[None])[0] for radius in (50, 30, 0))

    assert whole > 0.95
    assert part < 0.05
    assert none == 0


def test_filled_closes_holes_but_not_bays() -> None:
    masks = np.zeros((1, 7, 7), np.bool_)
    masks[0, 1:6, 1:6] = True
    masks[0, 3, 3] = masks[0, 1, 3] = False

    closed = outlines.filled(masks)[0]

    assert closed[3, 3]
    assert not closed[1, 3]
    assert closed.sum() == 24


def test_box_of_an_empty_mask_is_nan() -> None:
    masks = np.zeros((1, outlines.COARSE, outlines.COARSE), np.bool_)

    assert np.isnan(outlines.boxes(masks, np.array([[10.0, 10.0, 20.0]]))).all()


def test_each_object_is_proposed() -> None:
    objects = [(20, 30, 90, 100), (200, 60, 320, 160)]

    found = proposals.outlined(drawn((360, 240), *objects))

    for box in objects:
        assert np.abs(found.boxes - box).max(axis=1).min() <= 5


def test_plain_photo_has_no_proposals() -> None:
    assert len(proposals.outlined(Image.new("RGB", (120, 100), BLUE))) == 0


def test_cut_out_object_is_on_the_background_wanted() -> None:
    photo = drawn((360, 240), (200, 60, 320, 160))
    found = proposals.outlined(photo)
    best = np.abs(found.boxes - (200, 60, 320, 160)).max(axis=1).argmin(keepdims=True)
    assert found.masks is not None
    chosen = Proposals(found.boxes[best], found.windows[best], found.masks[best], found.edges[best])

    (alone,) = proposals.cut_out(photo, chosen, 96, 255, 1.0)

    pixels = np.asarray(alone)
    assert pixels[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [[255] * 3] * 4
    assert pixels[48, 48].tolist() == list(RED)
    assert (np.abs(pixels.astype(int) - BLUE).sum(axis=2) < 60).mean() < 0.02


def test_cut_out_leaves_a_margin_as_training_photos_have() -> None:
    photo = drawn((200, 200), (50, 50, 149, 149))
    whole = Proposals(np.array([[50.0, 50.0, 150.0, 150.0]]), np.array([[100.0, 100.0, 100.0]]), None, np.ones(1))

    (alone,) = proposals.cut_out(photo, whole, 80, 255, 0.5)

    is_red = np.abs(np.asarray(alone).astype(int) - RED).sum(axis=2) < 60
    columns = np.flatnonzero(is_red.any(axis=0))
    assert (columns[0], columns[-1]) == (20, 59)


def test_windows_without_background_show_all_pixels() -> None:
    photo = drawn((100, 100), (20, 20, 80, 80))

    found = proposals.whole_windows(photo)

    assert found.masks is None
    assert found.boxes[0].tolist() == [0, 0, 100, 100]
    assert np.array_equal(np.asarray(next(proposals.cut_out(photo, found, 100, 128, 1.0))), np.asarray(photo))
