"""Tests of network/quantize.py: which photos calibrate, what is refused, and the same file for the same input."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from infra.commands.sample_photos import draw_photos
from job.errors import BackboneError, NotInstalledError, QuantizationError, TooFewPhotosError
from job.features.network import INT8, content_hash, load, quantize, read_description
from job.features.network.quantize import cosines, draw, is_of, quantized_network, require_close, split_at
from job.features.network.split import SplitModel
from job.images import EXACT, TEST, TRAIN, listing
from job.images.decode import decode
from tests.job.features.network.computed import features_of, one_by_one


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 60 drawn photos and one that cannot be decoded. Read only."""
    folder = tmp_path_factory.mktemp("quantize") / "photos"
    draw_photos(folder, angles=6, seed=5)
    (folder / "Kiwi" / "broken.jpg").write_bytes(b"no photo")
    return folder


def listed(folder: Path) -> pa.Table:
    return listing.list_photos(str(folder), TRAIN)


@pytest.fixture(scope="module")
def quantized(trained_backbone: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the int8 network that the 60 photos give."""
    drawn = draw(listed(photos), str(photos), seed=1)
    return quantized_network(trained_backbone, drawn, EXACT, print, tmp_path_factory.mktemp("cache"))


def test_quantized_network_describes_its_calibration(trained_backbone: Path, quantized: Path) -> None:
    float32, described = read_description(trained_backbone), read_description(quantized)

    assert (described.name, described.weights, described.features) == (float32.name, float32.weights, 1280)
    assert (float32.precision, float32.calibration, described.precision) == ("float32", None, "int8")
    calibration = described.calibration
    assert calibration is not None
    assert calibration["float32"] == content_hash(trained_backbone)
    assert (calibration["photos"], calibration["checked"], calibration["seed"]) == (48, 12, 1)
    assert 0.95 <= calibration["mean_cosine"] <= 1
    assert calibration["least_cosine"] <= calibration["mean_cosine"]
    assert quantized.stat().st_size < 0.4 * trained_backbone.stat().st_size


def test_int8_features_are_close_to_float32(trained_backbone: Path, quantized: Path, photos: Path) -> None:
    contents = [photo.read_bytes() for photo in sorted(photos.glob("*/00*.jpg"))[:8]]

    ours, theirs = features_of(quantized, contents), features_of(trained_backbone, contents)

    assert not np.array_equal(ours, theirs)
    assert cosines(ours, theirs).mean() >= 0.95


def test_split_int8_network_gives_bit_equal_features(quantized: Path, photos: Path) -> None:
    files = sorted(photos.glob("*/00*.jpg"))[:5]

    assert isinstance(load(quantized), SplitModel)
    np.testing.assert_array_equal(
        features_of(quantized, [file.read_bytes() for file in files]),
        one_by_one(quantized, [decode(file.read_bytes(), 224, 224) for file in files]),
    )


def test_same_photos_elsewhere_give_the_same_file(
    trained_backbone: Path, quantized: Path, photos: Path, tmp_path: Path
) -> None:
    # Given the same photos in another folder, with other times
    shutil.copytree(photos, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    folder = tmp_path / "elsewhere"

    again = quantized_network(trained_backbone, draw(listed(folder), str(folder), 1), EXACT, print, tmp_path / "cache")

    assert content_hash(again) == content_hash(quantized)


def test_same_draw_comes_from_the_cache(
    trained_backbone: Path, quantized: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(quantize, "run_in_own_process")
    said: list[str] = []

    again = quantized_network(
        trained_backbone, draw(listed(photos), str(photos), 1), EXACT, said.append, quantized.parent
    )

    assert again == quantized
    assert len(said) == 1
    assert said[0].startswith("Warning: int8: only 48 training photos")


def test_network_is_of_photos_that_are_still_trained_on(
    trained_backbone: Path, random_backbone: Path, quantized: Path, photos: Path
) -> None:
    table = listed(photos)
    tested = pa.array([TEST if number < 30 else TRAIN for number in range(len(table))])
    place = table.schema.get_field_index("split")
    held_out = table.set_column(place, table.schema.field(place), tested)

    assert is_of(quantized, trained_backbone, table, str(photos))
    assert not is_of(quantized, trained_backbone, held_out, str(photos))
    assert not is_of(quantized, random_backbone, table, str(photos))
    assert not is_of(trained_backbone, trained_backbone, table, str(photos))


def test_int8_network_cannot_be_quantized_again(quantized: Path, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(BackboneError):
        quantized_network(quantized, draw(listed(photos), str(photos), 0), EXACT, print, tmp_path)


def test_draw_takes_training_photos_by_seed_and_path(photos: Path, tmp_path: Path) -> None:
    table = listed(photos)
    place = table.schema.get_field_index("split")
    splits = pa.array([TEST if path.endswith("000.jpg") else TRAIN for path in table["path"].to_pylist()])
    divided = table.set_column(place, table.schema.field(place), splits)
    shutil.copytree(photos, tmp_path / "elsewhere")

    drawn = draw(divided, str(photos), 1)

    assert pc.all(pc.equal(drawn.photos["split"], TRAIN)).as_py()
    assert len(drawn.photos) == len(drawn.insides) == 51
    elsewhere = draw(listed(tmp_path / "elsewhere"), str(tmp_path / "elsewhere"), 1)
    assert elsewhere.insides == draw(table, str(photos), 1).insides
    assert elsewhere.insides != draw(table, str(photos), 2).insides


@pytest.mark.parametrize(("photos", "calibrating"), [(400, 300), (364, 300), (363, 290), (50, 40)])
def test_a_fifth_of_few_photos_check(photos: int, calibrating: int) -> None:
    assert split_at(photos) == calibrating


def test_fewer_than_50_photos_are_refused(trained_backbone: Path, sample_photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TooFewPhotosError) as raised:
        quantized_network(
            trained_backbone, draw(listed(sample_photos), str(sample_photos), 0), EXACT, print, tmp_path / "cache"
        )

    assert raised.value.code == "ORC-111"
    assert "got 40" in raised.value.message


def test_cosine_of_rows_of_zeros_is_a_number() -> None:
    ours = np.array([[0, 0], [0, 0], [3, 4], [1, 0]], np.float32)
    theirs = np.array([[0, 0], [1, 2], [0, 0], [1, 1]], np.float32)

    np.testing.assert_allclose(cosines(ours, theirs), [1, 0, 0, np.sqrt(0.5)])


@pytest.mark.parametrize("close", [[0.94, 0.95], [np.nan, 1.0]])
def test_distant_features_are_refused(close: list[float]) -> None:
    with pytest.raises(QuantizationError) as raised:
        require_close(np.array(close), "vgg16")

    assert raised.value.code == "ORC-148"
    assert "vgg16" in raised.value.message


def test_close_features_are_accepted() -> None:
    require_close(np.array([0.90, 1.0]), "mobilenet_v2")


def test_without_tensorflow_quantizing_is_refused(
    trained_backbone: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(quantize, "installed_version", lambda _: None)

    with pytest.raises(NotInstalledError) as raised:
        quantized_network(trained_backbone, draw(listed(photos), str(photos), 0), EXACT, print, tmp_path)

    assert f"--precision {INT8}" in raised.value.hint
