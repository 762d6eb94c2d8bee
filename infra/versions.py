"""The versions of EMR, Spark, Python, Java and libraries that go together, defined here only.

Raise them together: a newer EMR release brings another Spark and another default Python, and the libraries
must have wheels for that Python that run on the release's operating system. Source: the EMR Release Guide.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

RELEASE_LABEL = "emr-7.14.0"
SPARK = "3.5.8"
PYTHON = "3.11"
"""EMR 7 also ships Python 3.9, which ``pip3`` belongs to: always name the version."""
JAVA = 17
GLIBC = (2, 34)
"""Of Amazon Linux 2023, which EMR 7 runs on. A wheel tagged for a later one does not install there."""
CDK_COMMAND_LINE = "2.1148.1"

CLUSTER_PYTHON = f"/usr/bin/python{PYTHON}"
"""The interpreter that EMR installs on every node."""


def in_one_line() -> str:
    """Return this project's version, from pyproject.toml, and the versions it is made for."""
    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    own = tomllib.loads(project.read_text())["project"]["version"]
    return f"orchard {own} for {RELEASE_LABEL} (Spark {SPARK}, Python {PYTHON}, Java {JAVA})"


@dataclass(frozen=True)
class Library:
    """A Python library that the job imports on the cluster."""

    name: str
    version: str
    modules: tuple[str, ...]  # what the job imports of it, all of which must import on every node


# Pandas is left out because neither the job nor Spark ML imports it, pyspark because EMR brings its own, TensorFlow
# because it is only needed where a backbone is exported, vl-convert because the bundle has what it makes.
LIBRARIES = (
    Library("numpy", "1.26.4", ("numpy",)),
    Library("threadpoolctl", "3.8.0", ("threadpoolctl",)),
    Library("scipy", "1.17.1", ("scipy.optimize",)),
    Library("pyarrow", "18.1.0", ("pyarrow", "pyarrow.fs", "pyarrow.parquet")),
    Library("pillow", "13.0.0", ("PIL.Image", "PIL.ImageCms")),
    Library("pi-heif", "1.4.0", ("_pi_heif",)),
    Library("ai-edge-litert", "2.3.0", ("ai_edge_litert.interpreter", "ai_edge_litert.schema_py_generated")),
    # The one dependency of ai-edge-litert, apart from NumPy, that those two modules import. It also asks for
    # protobuf, ml_dtypes, typing-extensions and backports-strenum, for parts that the job never imports.
    Library("flatbuffers", "25.12.19", ("flatbuffers",)),
    Library("tqdm", "4.70.1", ("tqdm",)),
)

OPTIONAL = {
    # The newest OpenCV that goes with the pinned NumPy: later ones ask for NumPy 2. 50 MB more for every node to fetch.
    "visual_words": (Library("opencv-python-headless", "4.11.0.86", ("cv2",)),),
}
"""Libraries in addition to ``LIBRARIES``, by the setting that adds them."""
