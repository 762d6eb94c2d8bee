"""Write the hash-locked requirement files from the short lists in *.in."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKED = {
    "requirements/base.in": "requirements.txt",
    "requirements/installer.in": "requirements/installer.txt",
    "requirements/development.in": "requirements/development.txt",
    "requirements/java.in": "requirements/java.txt",
}
APART = {
    "requirements/audit.in": "requirements/audit.txt",
    "requirements/notebook.in": "requirements/notebook.txt",
}
"""Installed by ``make audit`` and ``make notebook`` only, each into its own environment."""

CLUSTER_LISTS = ("requirements", "installer", "visual_words")
ARCHITECTURES = ("x86_64", "aarch64")
"""Packages of a cluster's nodes. One lock per architecture: pip cannot evaluate another machine's markers."""
OPTIONS = ["--quiet", "--generate-hashes", "--python-version", "3.11", "--no-annotate", "--no-emit-index-url"]
OPTIONS += ["--no-emit-find-links", "--custom-compile-command", "make lock"]


def main() -> int:
    """Lock each list; return the first exit code that is not 0."""
    jobs = [(source, lock, ["--universal"]) for source, lock in {**LOCKED, **APART}.items()]
    # Amazon Linux 2023 has glibc 2.34; --no-deps leaves out what the job never imports.
    jobs += [
        (
            f"infra/emr/bootstrap/{name}.in",
            f"infra/emr/bootstrap/{name}.{architecture}.txt",
            ["--python-platform", f"{architecture}-manylinux_2_34", "--only-binary", ":all:", "--no-deps"],
        )
        for name in CLUSTER_LISTS
        for architecture in ARCHITECTURES
    ]
    for source, lock, options in jobs:
        command = ["uv", "pip", "compile", *OPTIONS, *options, source, "--output-file", lock]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code != 0:
            return code
        print(f"locked {source} into {lock}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
