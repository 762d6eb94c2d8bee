"""Tests of job/spark/bundle.py."""

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from job.report import drawing
from job.spark import bundle
from tests.job.report import synthetic


def test_bundle_does_not_depend_on_file_times() -> None:
    before = hashlib.sha256(bundle.pack()).hexdigest()
    times = bundle.PACKAGE.joinpath("pipeline.py").stat()
    os.utime(bundle.PACKAGE / "pipeline.py", (0, 0))

    after = hashlib.sha256(bundle.pack()).hexdigest()

    os.utime(bundle.PACKAGE / "pipeline.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert after == before


def test_the_whole_package_is_in_it() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.pack())) as packed:
        assert sorted(packed.namelist()) == sorted(
            f"job/{source.relative_to(bundle.PACKAGE)}"
            for ending in ("py", "css", "js", "toml")
            for source in bundle.PACKAGE.rglob(f"*.{ending}")
        )


def test_the_job_runs_from_the_archive_alone(tmp_path: Path) -> None:
    (tmp_path / "job.zip").write_bytes(bundle.pack())

    done = subprocess.run(
        [sys.executable, "-m", "job", "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "job.zip")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith("usage: python -m job")


def test_the_report_is_made_from_the_archive_alone(tmp_path: Path) -> None:
    # Given a machine without the package that puts the script together, as a cluster's nodes are
    script = "window.vegaEmbed = () => 'the one in the archive'"
    (tmp_path / "job.zip").write_bytes(bundle.pack({drawing.IN_BUNDLE: script}))
    synthetic.write(synthetic.Run(("a", "b")), tmp_path / "results")
    code = "import sys; sys.modules['vl_convert'] = None; from job.__main__ import main; sys.exit(main())"

    subprocess.run(
        [sys.executable, "-c", code, "report", "results"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "job.zip"), "XDG_CACHE_HOME": str(tmp_path / "empty")},
        check=True,
    )

    page = (tmp_path / "results" / "report.html").read_text()
    assert "prefers-color-scheme" in page
    assert script in page
