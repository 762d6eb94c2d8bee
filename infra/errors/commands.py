"""Errors of the commands: arguments, uploads, stacks, clusters, runs and prices."""

from job.errors import OrchardError, TryAgainError


class CommandError(OrchardError):
    """A failure without a more specific code.

    The first line says what failed, often in the words of AWS or of another program.

    Follow the second line. `--debug` prints the traceback.
    """

    code = "ORC-200"


class WrongUseError(OrchardError):
    """An argument is missing, wrong, or contradicts another.

    Nothing was changed, on this machine or in AWS.

    Change the argument as the second line says. `orchard COMMAND --help` shows the options and an example.
    """

    code = "ORC-201"
    exit_code = 2


class TemporaryFailureError(TryAgainError):
    """Something outside this machine failed, perhaps only for a short time.

    The exit code is 75, so that a script can tell it from other failures.

    Rerun the command: it continues where it stopped.
    """

    code = "ORC-202"


class InterruptedCommandError(OrchardError):
    """The command was stopped with Ctrl-C.

    What it had started in AWS continues there: a step runs, a stack is deployed.

    Rerun the command to continue. `orchard status` shows the cluster, `orchard destroy` deletes it.
    """

    code = "ORC-203"
    exit_code = 130


class ProgramMissingError(OrchardError):
    """A program that the command needs is not installed.

    Usually the virtual environment is not active, or set-up has not been run.

    Run `make setup`, then `source .venv/bin/activate`.
    """

    code = "ORC-204"


class PhotoFolderError(WrongUseError):
    """There are no photos to upload or classify.

    The folder does not exist, is a file, is empty, or contains only other files.

    Name the folder that has one subfolder per label. `--every-file` also uploads files that are not photos.
    """

    code = "ORC-220"


class UnreadableFolderError(OrchardError):
    """A folder on this machine cannot be read.

    Its permissions do not allow it. Nothing of it was uploaded.

    Change its permissions, then rerun the command.
    """

    code = "ORC-221"


class NotSentError(OrchardError):
    """Some files could not be uploaded.

    Each is listed with its reason: it cannot be read, it changed during the upload, or S3 refused it. All others were
    uploaded.

    Fix the listed files, then rerun the command: it sends only what is missing.
    """

    code = "ORC-222"


class UploadGivenUpError(TemporaryFailureError):
    """An upload was stopped after many failures in a row.

    The network or S3 is probably at fault.

    Check the network, then rerun the command: it sends only what is missing.
    """

    code = "ORC-223"


class MixedSetError(WrongUseError):
    """A set would mix shards and single photos, or shards of two uploads.

    Some photos would be used twice, or not at all. If shards are left over from an earlier upload, all new ones were
    sent; otherwise nothing was.

    Choose another name for the set, or delete what is left over with the command in the second line.
    """

    code = "ORC-224"


class StackNotReadyError(WrongUseError):
    """A stack that the command needs does not exist or is not ready.

    It was never deployed in this region, is being changed, or was deployed by another version of the project.

    Deploy it with the command in the second line, or choose the region where it is with `--region`.
    """

    code = "ORC-230"


class DeploymentFailedError(OrchardError):
    """The CDK could not deploy or delete a stack.

    The CDK's own message, with CloudFormation's reason, is printed above the error.

    Fix that cause, then rerun the command.
    """

    code = "ORC-231"


class StackStaysError(OrchardError):
    """CloudFormation could not delete a stack.

    The error has its reasons: usually a bucket that received an object meanwhile, or a resource that another one uses.
    A stack that is not deleted within half an hour counts as well. It may still cost money.

    Remove the obstacle, then rerun the command: it continues where it stopped.
    """

    code = "ORC-232"


class NotBootstrappedError(WrongUseError):
    """The CDK is not bootstrapped in this account and region.

    `cdk bootstrap` creates the bucket and the roles that every deployment uses, once per account and region.

    Run the command in the second line. docs/running-on-aws.md says who may run it.
    """

    code = "ORC-233"


class ClusterUnfitError(WrongUseError):
    """There is no cluster, or it cannot do what was asked.

    It has ended, EMR no longer knows it, it is busy, or its size is fixed.

    `orchard status` shows its state; `orchard up` creates a new cluster after one that has ended.
    """

    code = "ORC-240"


class ClusterStillThereError(OrchardError):
    """The cluster did not end in time.

    EMR was asked to end it, but it is still running and still costs money.

    End it with the command in the second line, and look at it in the EMR console.
    """

    code = "ORC-241"


class RunUnknownError(WrongUseError):
    """There is no run of this name, or it has not finished.

    A run is known as long as EMR lists its cluster (two months) or its results are in the data bucket.

    `orchard results` lists the runs; `orchard status NAME --follow` waits for one.
    """

    code = "ORC-250"


class RunRefusedError(WrongUseError):
    """A run was refused before it started.

    Its photos, labels, backbone and name are checked before anything costs money; one of them does not fit.

    Follow the second line, then rerun the command.
    """

    code = "ORC-251"


class RunNotFinishedError(OrchardError):
    """A run ended without results, or continues without being followed.

    It was cancelled, its step wrote no manifest, or the command stopped following it.

    `orchard status NAME` shows its state, `orchard logs NAME` what it printed.
    """

    code = "ORC-252"


class RunOnClusterFailedError(OrchardError):
    """A run failed on the cluster, and its logs show no known cause.

    If they do, the message has the code of the cause instead: ORC-1.. if the job reported it, ORC-5.. if its logs show
    it.

    `orchard logs NAME --all` shows the whole log, `--containers` those of the executors.
    """

    code = "ORC-253"


class RunFilesError(WrongUseError):
    """The results of a run cannot be used for this.

    A file is missing or damaged, the run has no classifier or used no network, or its backbone is not on this machine.

    Fetch the results again, or follow the second line.
    """

    code = "ORC-260"


class NotWritableError(WrongUseError):
    """A file cannot be written, or would replace one that you may need.

    The folder is missing or not writable, or an earlier file is there. Nothing was written.

    Choose another place, or replace the file as the second line says.
    """

    code = "ORC-261"


class ReportNotShownError(OrchardError):
    """The report cannot be shown.

    It is not among the results, or this machine has no browser.

    Build it with `orchard report NAME`, or open the file in a browser yourself.
    """

    code = "ORC-262"


class NotClassifiedError(OrchardError):
    """Some photos could not be classified.

    Each is named above with its reason; the others were classified.

    Check the paths, and use photos in JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, JPEG 2000 or HEIC.
    """

    code = "ORC-263"


class PriceUnknownError(WrongUseError):
    """The price is not known.

    AWS was not asked or gave none, and the table in this project has no sourced price for this type and region.

    Sign in, so that the Price List API can be asked, or choose another `--type` or `--region`.
    """

    code = "ORC-270"
