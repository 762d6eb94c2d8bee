"""Tests of infra/runs/notebook.py and orchard notebook."""

import json

import pytest

from infra.errors import WrongUseError
from infra.runs import notebook
from tests.error_report import values
from tests.infra.command_line import orchard
from tests.infra.conftest import Deployed, World

PLACES = notebook.Places(
    "s3://data/images/fruits",
    "s3://data/results/notebook-mine",
    "s3://data/m",
    ("s3://data/job.zip", "s3://data/orchard.py"),
)


def tagged(made: notebook.Notebook, start: str) -> list[str]:
    sources = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    return [source for source in sources if source.startswith(start)]


def test_jupyterhub_gets_pyspark_and_the_bucket() -> None:
    made = notebook.for_jupyterhub(notebook.read(), PLACES)

    assert made["metadata"]["kernelspec"]["name"] == "pysparkkernel"
    (settings,) = tagged(made, "IMAGES")
    options = {"per_label": 10, "model": "s3://data/m", "classifier": "logistic", "holdout": 0.2, "overwrite": True}
    assert settings.splitlines() == [
        "IMAGES = 's3://data/images/fruits'",
        "OUTPUT = 's3://data/results/notebook-mine'",
        f"OPTIONS = {options!r}",
    ]
    (add,) = tagged(made, "sc.addPyFile")
    assert add.splitlines() == ["sc.addPyFile('s3://data/job.zip')", "sc.addPyFile('s3://data/orchard.py')"]
    assert [source.splitlines()[0] for source in tagged(made, "%%spark")] == [
        "%%spark -o explained -n -1",
        "%%spark -o points -n 2000",
    ]
    assert len(tagged(made, "%%local\n%matplotlib inline\nimport matplotlib")) == 2
    assert "to_pandas" not in json.dumps(made)
    assert "draw_photos" not in json.dumps(made)
    identities = [cell["id"] for cell in made["cells"]]
    assert len(identities) == len(set(identities))


def test_the_command_puts_it_where_jupyterhub_finds_it(deployed: Deployed, world: World) -> None:
    words = ["notebook", "--images", "fruits/Training", "--model", "s3://m/model.tflite"]

    assert orchard(world, *words) == 0

    uri = f"s3://{deployed.data}/jupyter/jovyan/orchard.ipynb"
    assert world.said[0] == f"Notebook: {uri}"
    assert world.said[1].endswith(": orchard ui")
    body = world.aws.s3.get_object(Bucket=deployed.data, Key="jupyter/jovyan/orchard.ipynb")["Body"].read()
    (settings,) = tagged(json.loads(body), "IMAGES")
    assert settings.startswith(f"IMAGES = 's3://{deployed.data}/images/fruits/Training'")
    (add,) = tagged(json.loads(body), "sc.addPyFile")
    for line in add.splitlines():
        key = line.removeprefix(f"sc.addPyFile('s3://{deployed.data}/").removesuffix("')")
        assert world.aws.s3.head_object(Bucket=deployed.data, Key=key)["ContentLength"] > 0


def test_a_notebook_that_somebody_may_have_worked_in_stays(deployed: Deployed, world: World) -> None:
    words = ["notebook", "--images", "fruits", "--model", "s3://m/model.tflite"]
    orchard(world, *words)

    with pytest.raises(WrongUseError) as raised:
        orchard(world, *words)

    assert values(raised.value.hint) == ["--name", "--overwrite"]
    assert deployed.data in raised.value.message
    assert orchard(world, *words, "--overwrite") == 0
