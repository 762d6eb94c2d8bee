"""The local cloud imports nothing of the job or the deployment: what it has to know is given to it."""

import ast
from pathlib import Path

import localcloud

PACKAGE = Path(localcloud.__file__).parent


def test_the_local_cloud_imports_neither_job_nor_infra() -> None:
    imported = {
        name.split(".")[0]
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }

    assert imported & {"job", "infra"} == set()
