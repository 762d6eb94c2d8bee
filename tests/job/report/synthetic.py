"""Writes results folders of any size without running the job: the report's tests draw them."""

import csv
import io
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from job import storage
from job.matrices import list_column
from job.quality import KINDS
from job.results import DataFile, layout

RUN = "20261121T100000-0123abcd"


@dataclass(frozen=True)
class Run:
    """What a results folder is made of.

    Parameters
    ----------
    labels
        Every label, of training and of test photos.
    train, test
        Photos a label.
    components
        How many are kept.
    classifier
        Whether there are the files of a classifier that errs in one photo of ten.
    rejected
        Path and reason.
    photos
        Folder of the photos, which need not exist.
    """

    labels: tuple[str, ...]
    train: int = 8
    test: int = 2
    components: int = 12
    classifier: bool = True
    rejected: tuple[tuple[str, str], ...] = ()
    photos: str = "/photos"


def write(run: Run, folder: Path, files: int = 4) -> dict[str, Any]:
    """Write the results of a run that never was into a folder; return its manifest."""
    output = str(folder)
    random = np.random.default_rng(3)
    count = len(run.labels)
    centres = random.normal(size=(count, run.components)) * np.linspace(9, 1, run.components)
    number = np.repeat(np.arange(count), run.train + run.test)
    inside = np.tile(np.arange(run.train + run.test), count)
    values = (centres[number] + random.normal(size=(len(number), run.components))).astype(np.float32)
    splits = np.where(inside < run.train, "train", "test")
    paths = [f"{run.photos}/{run.labels[label]}/{photo:04d}.jpg" for label, photo in zip(number, inside, strict=True)]
    label_column = [run.labels[label] for label in number]
    written: dict[str, list[DataFile]] = {layout.FEATURES: [], layout.COMPONENTS: [], layout.REJECTED: [], "pca": []}
    for part, rows in enumerate(np.array_split(np.arange(len(number)), files)):
        columns = [
            pa.array([paths[row] for row in rows]),
            pa.array([label_column[row] for row in rows]),
            pa.array(splits[rows]),
            list_column(values[rows]),
        ]
        name = layout.data_file_name(layout.COMPONENTS, RUN, part, part, "parquet")
        table = pa.table(columns, schema=layout.COMPONENTS_SCHEMA)
        written[layout.COMPONENTS].append(layout.write_parquet(output, name, table))
    if run.rejected:
        name = layout.data_file_name(layout.REJECTED, RUN, 0, 0, "parquet")
        rejected = pa.table(list(map(list, zip(*run.rejected, strict=True))), schema=layout.REJECTED_SCHEMA)
        written[layout.REJECTED].append(layout.write_parquet(output, name, rejected))
    cumulative = write_variance(output, 1280)
    written["pca"].append(DataFile(layout.EXPLAINED_VARIANCE, 1280, 0))
    if run.classifier:
        written["classifier"] = write_classifier(run, output, paths, label_column, splits, random)
    written["quality"] = write_quality(output, paths, label_column)
    needed = {share: int(np.searchsorted(cumulative, float(share))) + 1 for share in ("0.8", "0.9", "0.95", "0.99")}
    used = len(paths)
    manifest: dict[str, Any] = {
        "schema_version": layout.SCHEMA_VERSION,
        "run_id": RUN,
        "started": "2026-11-21T10:00:00Z",
        "finished": "2026-11-21T10:12:34Z",
        "arguments": {
            "images": f"{run.photos}/train",
            "test": f"{run.photos}/test",
            "predict": None,
            "standardize": True,
            "labels": None,
            "seed": 0,
            "variance": 0.95,
            "output": output,
        },
        "versions": {"python": "3.11.7", "pyspark": "3.5.8"},
        "backbone": {
            "name": "mobilenet_v2",
            "weights": "file sha256:" + "0123456789abcdef" * 4,
            "width": 224,
            "height": 224,
            "features": 1280,
            "untrained": False,
            "sha256": "f" * 64,
        },
        "counts": {
            "found": used + len(run.rejected),
            "used": used,
            "rejected": len(run.rejected),
            "train": run.train * count,
            "test": run.test * count,
            "predict": 0,
        },
        "labels": {
            "train": dict.fromkeys(sorted(run.labels), run.train),
            "test": dict.fromkeys(sorted(run.labels), run.test),
        },
        "components": {
            "kept": run.components,
            "variance_kept": 0.9503,
            "components_for_variance": needed,
            "available": 1280,
            "dimensions": 1280,
            "constant_dimensions": 0,
        },
        "seconds": {
            "list": 13.2,
            "backbone": 0.4,
            "start": 9.8,
            "features": 402.5,
            "fit": 21.7,
            "projection": 30.1,
            "read": 210.3,
            "decode": 480.9,
            "infer": 2310.4,
            "write": 25.0,
        },
        "files": {name: [asdict(file) for file in listed] for name, listed in written.items()},
    }
    layout.write_manifest(output, manifest)
    return manifest


def write_quality(output: str, paths: list[str], labels: list[str]) -> list[DataFile]:
    """Write what was found about the photos: the last one is listed once for each kind, related to the first."""
    entry = {
        "path": paths[-1],
        "label": labels[-1],
        "score": 0.97,
        "related_path": paths[0],
        "related_label": labels[0],
    }
    content = {
        "schema_version": layout.SCHEMA_VERSION,
        "leakage": {
            "threshold": 0.95,
            "test": 50,
            "examined": 50,
            "near_duplicates": 20,
            "share": 0.4,
            "accuracy": 0.9,
            "accuracy_without": 0.85,
        },
        "photos": dict.fromkeys(KINDS, 1),
        "examples": [{**entry, "kind": kind} for kind in KINDS],
        "pairs": [entry],
    }
    storage.write_bytes(storage.join(output, layout.QUALITY), json.dumps(content).encode())
    return [DataFile(layout.QUALITY, len(KINDS), 0)]


def write_prediction(run: Run, folder: Path) -> dict[str, Any]:
    """Write the results of a prediction of the test photos, which are all given their own label; return its manifest.

    The probabilities rise evenly from 0.3 to 1. The second label is always the first of the run.
    """
    manifest = write(replace(run, train=0, classifier=False), folder)
    files = manifest["files"][layout.COMPONENTS]
    photos = pa.concat_tables(layout.read_parquet(str(folder), file["path"]) for file in files)
    probabilities = np.linspace(0.3, 1, len(photos), dtype=np.float32)
    columns = {
        "path": photos["path"],
        "label": pa.nulls(len(photos), pa.string()),
        "split": ["predict"] * len(photos),
        "predicted": photos["label"],
        "probability": probabilities,
        "second": [run.labels[0]] * len(photos),
        "second_probability": (1 - probabilities) / 2,
    }
    table = layout.write_csv(str(folder), layout.PREDICTIONS_TABLE, pa.table(columns))
    del manifest["arguments"]["standardize"], manifest["files"]["pca"], manifest["files"]["quality"]
    manifest["files"]["tables"] = [asdict(table)]
    manifest |= {"labels": {"train": {}, "test": {}}, "fitted": {"results": "/results/first", "run_id": RUN}}
    layout.write_manifest(str(folder), manifest)
    return manifest


def write_variance(output: str, available: int) -> npt.NDArray[np.float64]:
    """Write explained variance that falls like a real one's; return the cumulative shares."""
    ratio = 1.0 / (np.arange(available) + 6.0) ** 1.1
    ratio /= ratio.sum()
    cumulative: npt.NDArray[np.float64] = np.cumsum(ratio)
    names = ["component", "variance", "ratio", "cumulative"]
    table = pa.table([np.arange(1, available + 1), ratio * 100, ratio, cumulative], names=names)
    layout.write_csv(output, layout.EXPLAINED_VARIANCE, table)
    return cumulative


def write_classifier(
    run: Run,
    output: str,
    paths: list[str],
    labels: list[str],
    splits: npt.NDArray[np.str_],
    random: np.random.Generator,
) -> list[DataFile]:
    """Write the files of a classifier that errs in one photo of ten, towards the labels after the true one."""
    names = sorted(run.labels)
    place = {label: number for number, label in enumerate(names)}
    tested = [row for row, split in enumerate(splits) if split == "test"]
    shift = np.where(random.random(len(tested)) < 0.1, 1 + random.geometric(0.6, len(tested)) % len(names), 0)
    predicted = [names[(place[labels[row]] + step) % len(names)] for row, step in zip(tested, shift, strict=True)]
    confusion = np.zeros((len(names), len(names)), np.int64)
    for row, name in zip(tested, predicted, strict=True):
        confusion[place[labels[row]], place[name]] += 1
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["label", *names])
    writer.writerows([name, *counts] for name, counts in zip(names, confusion.tolist(), strict=True))
    right = int(np.trace(confusion))
    recall = np.diag(confusion) / np.maximum(confusion.sum(axis=1), 1)
    precision = np.diag(confusion) / np.maximum(confusion.sum(axis=0), 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    metrics = {
        "schema_version": 2,
        "classifier": "logistic",
        "labels": names,
        "components": run.components,
        "parameters": {},
        "trained_on": run.train * len(names),
        "evaluated_on": len(tested),
        "accuracy": right / len(tested),
        "accuracy_interval": [0.8, 0.95],
        "training_accuracy": 0.999,
        "majority_accuracy": 1 / len(names),
        "macro_f1": float(f1.mean()),
        "unseen_labels": [],
        "seconds": {"train": 4.2},
        "per_label": [
            {
                "label": name,
                "precision": float(p),
                "recall": float(r),
                "f1": float(f),
                "photos": int(n),
                "trained_on": run.train,
            }
            for name, p, r, f, n in zip(names, precision, recall, f1, confusion.sum(axis=1), strict=True)
        ],
    }
    storage.write_bytes(storage.join(output, layout.METRICS), json.dumps(metrics).encode())
    storage.write_bytes(storage.join(output, layout.CONFUSION_MATRIX), text.getvalue().encode())
    table = pa.table(
        [
            [paths[row] for row in tested],
            [labels[row] for row in tested],
            ["test"] * len(tested),
            predicted,
            pa.array(random.uniform(0.4, 1, len(tested)), pa.float32()),
            [[float(label == name) for name in names] for label in predicted],
            pa.nulls(len(tested), pa.float32()),
        ],
        schema=layout.PREDICTIONS_SCHEMA,
    )
    file = layout.write_parquet(output, f"{layout.PREDICTIONS}/part-00000-{RUN}-0.parquet", table)
    return [DataFile(layout.METRICS, 1, 0), DataFile(layout.CONFUSION_MATRIX, 1, 0), file]
