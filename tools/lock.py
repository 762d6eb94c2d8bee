"""Writes the hash-locked requirement files from the short lists that people edit."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKED = {
    "requirements/base.in": "requirements.txt",
    "requirements/development.in": "requirements/development.txt",
    "requirements/java.in": "requirements/java.txt",
    "requirements/node.in": "requirements/node.txt",
}
OPTIONS = [
    *("--quiet", "--universal", "--generate-hashes", "--python-version", "3.11"),
    *(
        "--no-annotate",
        "--no-emit-index-url",
        "--no-emit-find-links",
        "--custom-compile-command",
        "make lock",
    ),
]


def main() -> int:
    """Lock every list in turn; return the first exit code that is not 0."""
    for source, lock in LOCKED.items():
        command = ["uv", "pip", "compile", *OPTIONS, source, "--output-file", lock]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code != 0:
            return code
        print(f"locked {source} into {lock}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
