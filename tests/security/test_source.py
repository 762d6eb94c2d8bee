"""Nothing that this project reads can make it run code: no pickle, no eval, no shell; every source is looked at."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("job", "infra", "localcloud", "tools", "bench", "notebooks")

MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "torch", "imp", "code", "pty"}
"""Loading what these wrote runs whatever it says, or they are there to run code."""

BUILT_IN = {"eval", "exec", "compile", "__import__"}

METHODS = {
    *("read_pickle", "to_pickle", "pickleFile", "saveAsPickleFile", "set_allow_pickle"),
    *("unsafe_load", "full_load", "load_all", "enable_unsafe_deserialization"),
    # Archives that name files outside of the folder they are unpacked to
    *("extractall", "unpack_archive", "mktemp"),
    *("system", "popen", "getoutput", "getstatusoutput"),
}
"""Of any object."""

SAFE_YAML_LOADER = "_Loader"
"""A SafeLoader with CloudFormation's short tags; the test below looks at its class."""

WEIGHTS_READER = "job/features/network/pytorch_file.py"

EXCEPTIONS: dict[tuple[str, str], str] = {
    (WEIGHTS_READER, "pickle"): "derives an unpickler that refuses every name but four; the last test looks at it",
}
"""Reasons, by file and what is used there. Spark itself carries functions and what they return between its own
processes as pickles; none of them is ever a file of ours, and nothing from outside is among them."""


def sources() -> Iterator[tuple[str, str]]:
    """Yield every source, notebooks' cells too, by its path."""
    yield "app.py", (ROOT / "app.py").read_text()
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            yield str(file.relative_to(ROOT)), file.read_text()
        for file in sorted((ROOT / room).rglob("*.ipynb")):
            cells = json.loads(file.read_text())["cells"]
            code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
            yield str(file.relative_to(ROOT)), code


def found_in(source: str) -> set[str]:
    """Return what a source uses that can run code out of data."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] in MODULES}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module} if node.module.split(".")[0] in MODULES else set()
        elif isinstance(node, ast.Call):
            found |= set(_called(node))
    return found


def _called(call: ast.Call) -> Iterator[str]:
    keywords = {word.arg: word.value for word in call.keywords if word.arg is not None}
    if isinstance(call.func, ast.Name):
        if call.func.id in BUILT_IN:
            yield call.func.id
        return
    if not isinstance(call.func, ast.Attribute):
        return
    name, of = call.func.attr, ast.unparse(call.func.value)
    if name in METHODS:
        yield f"{of}.{name}"
    if name in ("load", "load_all") and of in ("np", "numpy") and not _is(keywords.get("allow_pickle"), False):
        yield "numpy.load without allow_pickle=False"
    if name == "load" and of == "yaml" and _text(keywords.get("Loader")) not in (SAFE_YAML_LOADER, "yaml.SafeLoader"):
        yield "yaml.load without a SafeLoader"
    if name == "load_model" and not _is(keywords.get("safe_mode"), True):
        yield "load_model without safe_mode=True"
    if "shell" in keywords and not _is(keywords["shell"], False):
        yield "a shell"
    if _is(keywords.get("allow_pickle"), True):
        yield "allow_pickle=True"


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _text(node: ast.expr | None) -> str:
    return "" if node is None else ast.unparse(node)


def test_no_source_runs_code_out_of_data() -> None:
    found = {(file, used) for file, source in sources() for used in found_in(source)}

    assert sorted(found - set(EXCEPTIONS)) == []
    assert sorted(set(EXCEPTIONS) - found) == [], "gone: take it off the list"


def test_every_room_is_looked_at() -> None:
    looked_at = [file for file, _ in sources()]

    assert {file.split("/")[0] for file in looked_at} == {"app.py", *ROOMS}


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("import pickle", "pickle"),
        ("from joblib import load", "joblib"),
        ("import numpy as np\nnp.load('x')", "numpy.load without allow_pickle=False"),
        ("np.load('x', allow_pickle=True)", "allow_pickle=True"),
        ("yaml.load(text, Loader=yaml.Loader)", "yaml.load without a SafeLoader"),
        ("def f():\n    return eval('1')", "eval"),
        ("subprocess.run('ls', shell=True)", "a shell"),
        ("os.system('ls')", "os.system"),
        ("tarfile.open('x').extractall()", "tarfile.open('x').extractall"),
        ("keras.saving.load_model(file)", "load_model without safe_mode=True"),
        ("pandas.read_pickle('x')", "pandas.read_pickle"),
    ],
)
def test_what_runs_code_would_be_seen(source: str, used: str) -> None:
    assert used in found_in(source)


def test_the_templates_loader_is_a_safe_one() -> None:
    source = (ROOT / "localcloud" / "cloudformation" / "template.py").read_text()
    (loader,) = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef) and node.name == SAFE_YAML_LOADER
    ]

    assert [ast.unparse(base) for base in loader.bases] == ["yaml.SafeLoader"]


def test_the_weights_readers_unpickler_looks_no_name_up() -> None:
    module = ast.parse((ROOT / WEIGHTS_READER).read_text())
    used = [ast.unparse(node) for node in ast.walk(module) if "pickle." in ast.unparse(node)[:7]]
    (unpickler,) = [node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "_TensorsOnly"]
    (find_class,) = [node for node in unpickler.body if isinstance(node, ast.FunctionDef) and node.name == "find_class"]

    assert used == ["pickle.Unpickler"]
    assert [ast.unparse(base) for base in unpickler.bases] == used
    # Neither an import nor the class's own way to find what a name stands for.
    assert not [word for word in ("super", "import", "getattr") if word in ast.unparse(find_class)]
    assert isinstance(find_class.body[-1], ast.Raise)
