"""Turns columns of arrays into the vectors that Spark ML takes."""

from typing import Any

from pyspark import SparkContext
from pyspark.sql import Column
from pyspark.sql.functions import col


def vector_column(context: SparkContext, name: str) -> Column:
    """Return a column of arrays as one of vectors, as ``pyspark.ml.functions.array_to_vector`` does.

    That module cannot be imported where there is no pandas, as on a cluster's nodes; what it calls is in Spark itself.
    """
    java: Any = context._jvm
    return Column(java.org.apache.spark.ml.functions.array_to_vector(col(name)._jc))
