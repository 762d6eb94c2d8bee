"""Train a decision tree or a random forest with Spark ML, and return it as arrays.

Tasks read the Parquet files themselves and pass rows as float32 arrays: Spark cannot open s3:// everywhere, and the
cluster lacks pandas, which Spark's Arrow functions need.
"""

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from pyspark import RDD, SparkContext, StorageLevel
from pyspark.ml.classification import DecisionTreeClassifier, RandomForestClassifier
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DoubleType, FloatType, StructField, StructType

from job.classifiers import tuning
from job.classifiers.models import NO_CHILD, Classifier, Model, TreesModel
from job.classifiers.training import Training
from job.classifiers.tuning import Rows, Sample
from job.matrices import matrix
from job.pca import Classes
from job.pca.passes import SumTask, classes_of
from job.results import DataFile
from job.spark import slices
from job.spark.slices import Slice

ROWS_IN_A_PARTITION = 8192
"""Trees count photos, so Spark's sums of partitions are exact in any order."""

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    # Spark's default of 5 levels is too few for 49 labels; more than 15 hardly improve accuracy.
    "tree": {"maxDepth": 15, "maxBins": 32, "maxMemoryInMB": 512},
    # More trees improve accuracy more than deeper trees or more bins do.
    "forest": {"numTrees": 100, "maxDepth": 10, "maxBins": 16, "maxMemoryInMB": 512},
}
"""Training parameters of each kind, as named in Spark ML; measured in docs/decisions/0054."""

SMOOTHING = 0.001
"""Added to the share of each label among the votes, before the temperature; measured in docs/decisions/0151."""

_ROWS = StructType(
    [StructField("label", DoubleType(), False), StructField("inputs", ArrayType(FloatType(), False), False)]
)


def train(
    context: SparkContext, task: SumTask, files: Sequence[tuple[DataFile, int]], asked: Training, sample: Sample
) -> Classifier:
    """Train a classifier on the training rows of files of components or features.

    ``files``: each with its number of training rows; ``sample``: of the same rows, for the temperature.
    """
    parameters = {**PARAMETERS[asked.kind], **asked.parameters, "seed": asked.seed}
    single = asked.kind == "tree"
    estimator: Any = DecisionTreeClassifier if single else RandomForestClassifier

    def fit(rows: "RDD[tuple[float, array[float]]]") -> Model:
        with _frame(context, rows) as frame:
            # Java deletes the trees soon after Python deletes the model, so the model stays in a variable.
            fitted = estimator(**parameters).fit(frame)
            java = fitted._java_obj
            return trees_model([tree_nodes(context, tree) for tree in ([java] if single else java.trees())])

    def fit_sample(rows: Rows, classes: Classes) -> list[Model]:
        return [fit(context.parallelize([(rows, classes)], 1).flatMap(lambda block: as_rows(*block)))]

    # One fold: another four would take four times as long as training.
    temperature, _ = tuning.best_temperature(*tuning.joined(tuning.fold_scores(sample, 0, fit_sample)))
    partitions = slices.cut([(file.path, rows) for file, rows in files], ROWS_IN_A_PARTITION)
    model = fit(context.parallelize(partitions, len(partitions)).flatMap(lambda some: read_rows(task, some)))
    return asked.trained(model, parameters, temperature)


def read_rows(task: SumTask, some: Sequence[Slice]) -> Iterator[tuple[float, "array[float]"]]:
    """Yield the class and the inputs of each training row in the slices."""
    for table in slices.read(task.output, some, task.prepare):
        yield from as_rows(matrix(table[task.column]), classes_of(table, task.labels))


def as_rows(rows: Rows, classes: Classes) -> Iterator[tuple[float, "array[float]"]]:
    """Yield the class and the inputs of each row."""
    for number, row in zip(classes, rows, strict=True):
        yield float(number), array("f", row.tobytes())


@contextmanager
def _frame(context: SparkContext, rows: "RDD[tuple[float, array[float]]]") -> Iterator[DataFrame]:
    session = SparkSession.builder.getOrCreate()
    frame = session.createDataFrame(rows, _ROWS, verifySchema=False)
    # pyspark.ml.functions.array_to_vector calls this, but its module needs pandas, which the cluster lacks.
    java: Any = context._jvm
    vectors = Column(java.org.apache.spark.ml.functions.array_to_vector(frame["inputs"]._jc))
    frame = frame.select("label", vectors.alias("features"))
    frame.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield frame
    finally:
        frame.unpersist()


def tree_nodes(context: SparkContext, tree: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - an object of Java
    """Return the nodes of a tree trained by Spark, in the format in which Spark saves them.

    Fetched in one JSON text: a call to Java for each value would take longer than training.
    """
    java: Any = context._jvm
    builder = getattr(java, "org.apache.spark.ml.tree.DecisionTreeModelReadWrite$NodeData$")
    nodes = getattr(builder, "MODULE$").build(tree.rootNode(), 0)._1()
    mapper = java.com.fasterxml.jackson.databind.ObjectMapper()
    mapper.registerModule(java.com.fasterxml.jackson.module.scala.DefaultScalaModule())
    # Fields only: a method named like a getter fails in leaves.
    accessor = java.com.fasterxml.jackson.annotation.PropertyAccessor
    visibility = getattr(java, "com.fasterxml.jackson.annotation.JsonAutoDetect$Visibility")
    mapper.setVisibility(accessor.GETTER, visibility.NONE)
    mapper.setVisibility(accessor.FIELD, visibility.ANY)
    content: list[dict[str, Any]] = json.loads(mapper.writeValueAsString(nodes))
    return content


def trees_model(trees: Sequence[Sequence[Mapping[str, Any]]]) -> TreesModel:
    """Return the model of trees trained by Spark.

    ``trees``: the nodes of each tree, with the fields of Spark's ``NodeData``: ``id`` in the tree, ``leftChild`` and
    ``rightChild`` (-1 in a leaf), ``impurityStats`` (training photos of each class), ``split``.
    """
    roots: list[int] = []
    nodes: list[tuple[int, float, int, int, int]] = []
    shares: list[npt.NDArray[np.float64]] = []
    for tree in trees:
        first = len(nodes)
        roots.append(first)
        for node in sorted(tree, key=lambda node: int(node["id"])):
            if node["leftChild"] < 0:
                nodes.append((NO_CHILD, 0.0, NO_CHILD, NO_CHILD, len(shares)))
                counts = np.array(node["impurityStats"], np.float64)
                shares.append(counts / counts.sum())
            else:
                split, below, above = node["split"], first + node["leftChild"], first + node["rightChild"]
                nodes.append((split["featureIndex"], split["leftCategoriesOrThreshold"][0], below, above, NO_CHILD))
    kinds = (np.int32, np.float64, np.int32, np.int32, np.int32)
    columns: list[Any] = [np.array(column, kind) for column, kind in zip(zip(*nodes, strict=True), kinds, strict=True)]
    component, threshold, left, right, leaf = columns
    return TreesModel(np.array(roots, np.int32), component, threshold, left, right, leaf, np.array(shares), SMOOTHING)
