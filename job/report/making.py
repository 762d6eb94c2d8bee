"""Make the report of a results folder: read, draw and write it."""

import shlex
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from job import storage
from job.errors import job_command, one_line
from job.report import checked, drawing, findings, likeness, objects, page, sections, thumbnails
from job.report.messages import Messages
from job.results import DataFile, layout
from job.results.output import Run, commit, finish

FILES = "report"
"""The manifest's name for the list with the report in it."""

THUMBNAILS = 800
"""Photos that are read again for the scatter, after the worst-classified, the least certain and those to check."""


def finish_with_report(run: Run, manifest: dict[str, Any], language: str) -> dict[str, Any]:
    """Commit a run, write its report and release the lease; return the manifest with the report."""
    # Commit the results before rendering, so that an interrupt loses only the report.
    commit(run, manifest)
    with run.progress.stage("report"):
        report = write_if_possible(run.output, manifest, language, run.progress.say)
    manifest["files"][FILES] = [asdict(file) for file in report]
    manifest["seconds"]["report"] = round(run.progress.seconds["report"], 3)
    return finish(run, manifest)


def make(output: str, manifest: dict[str, Any], language: str, with_map: bool = False) -> str:
    """Return the report of the run or prediction in a results folder; ``with_map``: takes seconds."""
    found = findings.read(output, manifest)
    if with_map and sections.has_plane(found):
        plane = likeness.positions(found.photos.components, manifest["arguments"].get("seed", 0))
        found = replace(found, photos=replace(found.photos, plane=plane))
    mistakes = found.evaluation.mistakes if found.evaluation is not None else []
    uncertain = found.predicted.least_certain if found.predicted is not None else []
    shown = [*(photo.path for photo in mistakes), *(photo.path for photo in uncertain)]
    to_check = checked.paths(found.checked) if found.checked is not None else []
    wanted = [*shown, *to_check, *found.photos.paths[:THUMBNAILS]]
    with_boxes = [photo.path for photo in found.objects.shown] if found.objects is not None else []
    previews = thumbnails.read(with_boxes, side=objects.SIDE)
    return page.render(found, thumbnails.read(wanted), Messages(language), drawing.script(), previews)


def write(output: str, manifest: dict[str, Any], language: str, with_map: bool = False) -> DataFile:
    """Write the report into its results folder; return the file."""
    content = make(output, manifest, language, with_map).encode()
    return layout.write_file(output, layout.REPORT, 1, content)


def write_if_possible(
    output: str, manifest: dict[str, Any], language: str, say: Callable[[str], None]
) -> list[DataFile]:
    """Write a run's report; if that fails, say so and leave none: the results are complete without it."""
    try:
        # An earlier run's report must not be taken for this run's.
        storage.delete(storage.join(output, layout.REPORT))
        return [write(output, manifest, language)]
    except Exception as error:  # noqa: BLE001 - the run's results are complete without the report
        again = job_command(f"report {shlex.quote(output)}")
        say(f"The report could not be rendered: {one_line(error)}. Render it later: {again}")
        return []
