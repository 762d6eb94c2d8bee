"""Tests of tools/documents.py: codes keep their meaning, and what is made from the code is up to date."""

from pathlib import Path
from typing import Any

import pytest

from infra.runs import diagnose
from job import errors
from tests.error_report import codes, told
from tools import documents

# A printed code keeps its meaning: add lines here, change none, and move the code of a removed error to RETIRED.
RETIRED = {"ORC-005", "ORC-006"}
CODES = """
ORC-001 SetUpError
ORC-002 WrongPythonError
ORC-003 DiskFullError
ORC-004 NoNetworkError
ORC-101 UsageError
ORC-102 AddressError
ORC-110 PhotosNotFoundError
ORC-111 TooFewPhotosError
ORC-112 SplitFoldersError
ORC-113 ShardsError
ORC-120 OutputRefusedError
ORC-130 ResultsUnusableError
ORC-140 BackboneError
ORC-141 WeightsNotDownloadedError
ORC-145 PhoneModelError
ORC-146 WeightsPackageError
ORC-147 UnsafeWeightsError
ORC-148 QuantizationError
ORC-149 NegativeFeaturesError
ORC-150 NotInstalledError
ORC-160 RunFailedError
ORC-161 SparkEndedError
ORC-162 NotWrittenError
ORC-163 ExportFailedError
ORC-164 ResultsIncompleteError
ORC-165 TooManyRejectedError
ORC-166 StorageRefusedError
ORC-167 PrecisionNotReachedError
ORC-170 TryAgainError
ORC-171 OutputInUseError
ORC-190 InterruptedRunError
ORC-200 CommandError
ORC-201 WrongUseError
ORC-202 TemporaryFailureError
ORC-203 InterruptedCommandError
ORC-204 ProgramMissingError
ORC-210 SettingsError
ORC-211 WheelhouseError
ORC-220 PhotoFolderError
ORC-221 UnreadableFolderError
ORC-222 NotSentError
ORC-223 UploadGivenUpError
ORC-224 MixedSetError
ORC-230 StackNotReadyError
ORC-231 DeploymentFailedError
ORC-232 StackStaysError
ORC-233 NotBootstrappedError
ORC-240 ClusterUnfitError
ORC-241 ClusterStillThereError
ORC-250 RunUnknownError
ORC-251 RunRefusedError
ORC-252 RunNotFinishedError
ORC-253 RunOnClusterFailedError
ORC-260 RunFilesError
ORC-261 NotWritableError
ORC-262 ReportNotShownError
ORC-263 NotClassifiedError
ORC-270 PriceUnknownError
ORC-300 SignInError
ORC-301 NotAllowedError
ORC-302 AwsNotReachedError
ORC-303 AwsBusyError
ORC-304 WrongRegionError
ORC-305 BucketGoneError
ORC-306 WrongClockError
ORC-307 NotDeletedError
ORC-308 AccountUnfitError
ORC-400 LocalCloudStateError
ORC-401 LocalCloudError
ORC-403 StartedElsewhereError
ORC-501 disk full
ORC-502 out of memory, in Python
ORC-503 permission, told by S3
ORC-504 Spot node lost
ORC-505 library missing
ORC-506 no such bucket
ORC-511 quota of the account
ORC-512 no nodes in time
ORC-513 refused by EMR
ORC-514 no such nodes
"""


@pytest.mark.parametrize("page", documents.pages(), ids=lambda page: page.name)
def test_a_page_that_is_made_from_the_code_is_up_to_date(page: Path) -> None:
    assert page.read_text() == documents.pages()[page], "write it anew: make docs"


def test_codes_keep_their_meaning() -> None:
    kinds = {kind.code: kind.__name__ for kind in documents.error_kinds()}
    causes = {cause.code: cause.name for cause in (*diagnose.CAUSES, *diagnose.CLUSTER_CAUSES) if cause.code}

    assert [f"{code} {name}" for code, name in sorted({**kinds, **causes}.items())] == CODES.split("\n")[1:-1]


def test_no_two_kinds_of_failure_share_a_code() -> None:
    found = [kind.code for kind in documents.error_kinds()]

    assert len(found) == len(set(found))
    assert not set(found) & RETIRED
    assert not set(found) & {cause.code for cause in (*diagnose.CAUSES, *diagnose.CLUSTER_CAUSES)}


def test_messages_are_listed_by_code_with_a_gap_per_value() -> None:
    entries = {entry.code: entry for entry in documents.entries()}

    assert "There is no folder '…'." in entries["ORC-110"].messages
    assert "There is no folder '…'." in entries["ORC-220"].messages
    assert entries["ORC-110"].exit_code == 2
    assert entries["ORC-170"].exit_code == 75


def test_a_kind_that_does_not_say_what_to_do_is_found() -> None:
    silent: Any = type("SilentError", (Exception,), {"__doc__": "Something."})

    with pytest.raises(ValueError, match="SilentError"):
        documents.explained(silent)


def test_error_report_has_message_code_and_hint() -> None:
    message, hint = "There is no folder 'x'.", "Check its name."

    printed = errors.error_report(message, hint, errors.PhotosNotFoundError.code)

    assert told(printed) == [f"error: {message}", hint]
    assert codes(printed) == ["ORC-110"]
