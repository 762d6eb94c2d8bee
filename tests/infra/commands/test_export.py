"""Tests of orchard export's table of backbones."""

import json
from pathlib import Path

from infra.commands.export import Exported, backbone_table, exported_here
from job.features.network import NETWORKS


def test_table_has_a_line_for_each_backbone() -> None:
    lines = backbone_table({"mobilenet_v2": Exported(8_859_788, 120.04)})

    assert len(lines) == 1 + len(NETWORKS)
    assert lines[1].split() == ["mobilenet_v2", "224", "x", "224", "1,280", "8.9", "MB", "120.0"]
    assert "inception_v3         299 x 299     2,048  not exported" in lines


def test_speed_is_measured_again_when_the_file_changes(random_backbone: Path, tmp_path: Path) -> None:
    file = tmp_path / "mobilenet_v2-0123456789abcdef.tflite"
    file.write_bytes(random_backbone.read_bytes())

    first = exported_here(tmp_path)

    assert list(first) == ["mobilenet_v2"]
    assert first["mobilenet_v2"].bytes == random_backbone.stat().st_size
    remembered = file.with_suffix(".speed.json")
    # What is remembered is shown, whatever it is
    remembered.write_text(json.dumps({**json.loads(remembered.read_text()), "images_a_second": 7.0}))
    assert exported_here(tmp_path)["mobilenet_v2"].images_a_second == 7.0
    file.touch()
    assert exported_here(tmp_path)["mobilenet_v2"].images_a_second != 7.0


def test_nothing_exported_is_an_empty_table(tmp_path: Path) -> None:
    assert exported_here(tmp_path / "none") == {}
