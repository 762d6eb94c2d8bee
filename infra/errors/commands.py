"""Errors of the commands: arguments, uploads, stacks, clusters, runs and prices."""

from job.errors import OrchardError, TryAgainError


class CommandError(OrchardError):
    """Something failed that has no kind of its own.

    The first line says what, often in the words of AWS or of another program.

    Do what the second line says. With `--debug` the whole trace is shown.
    """

    code = "ORC-200"


class WrongUseError(OrchardError):
    """A command's arguments are missing, wrong, or contradict each other.

    Nothing was changed, on this machine or in AWS.

    Change them as the second line says; `orchard COMMAND --help` shows an example.
    """

    code = "ORC-201"
    exit_code = 2


class TemporaryFailureError(TryAgainError):
    """Something outside failed, perhaps for a short time.

    The exit code is 75, so that a script can tell it from other failures.

    Type the same command again; it goes on where it stopped.
    """

    code = "ORC-202"


class InterruptedCommandError(OrchardError):
    """The command was stopped by Ctrl-C.

    What it had begun in AWS goes on there: a step runs, a stack is deployed.

    Type the same command again to go on, or `orchard status` to see how things are.
    """

    code = "ORC-203"
    exit_code = 130


class ProgramMissingError(OrchardError):
    """A program that a command needs is not installed.

    Most often the virtual environment is not active, or set-up has not run.

    Run `make setup`, then `source .venv/bin/activate`.
    """

    code = "ORC-204"


class PhotoFolderError(WrongUseError):
    """There are no photos to send.

    The folder does not exist, is a file, is empty, or holds other files only.

    Name the folder that holds one folder a label; `--every-file` sends other files as well.
    """

    code = "ORC-220"


class UnreadableFolderError(OrchardError):
    """A folder of this machine may not be read.

    Its permissions keep the command out. Nothing of it was sent.

    Change its permissions, then type the same command again.
    """

    code = "ORC-221"


class NotSentError(OrchardError):
    """Files could not be sent.

    Each is listed with its reason: it cannot be read, has changed meanwhile, or S3 refused it. All others were sent.

    Put right what is wrong with them and type the same command again: it sends only what is missing.
    """

    code = "ORC-222"


class UploadGivenUpError(TemporaryFailureError):
    """An upload was given up.

    Many files in a row failed, so that the network or S3 is probably at fault.

    Check the network and type the same command again: it sends only what is missing.
    """

    code = "ORC-223"


class StackNotReadyError(WrongUseError):
    """A stack that the command needs is not there or not ready.

    It was never deployed in this region, is being changed, or comes from another version of the project.

    Deploy it with the command of the second line, or name the region where it is with `--region`.
    """

    code = "ORC-230"


class DeploymentFailedError(OrchardError):
    """The CDK could not deploy or remove a stack.

    The CDK's own message, with CloudFormation's reason, is above the error.

    Mend what it names and type the same command again.
    """

    code = "ORC-231"


class StackStaysError(OrchardError):
    """CloudFormation could not delete a stack.

    Its reasons are in the error: mostly a bucket into which something was written meanwhile, or a resource that
    something else still uses. A stack that does not go within half an hour counts as well. It may still cost.

    Remove what is in the way and type the same command again: it goes on where it stopped.
    """

    code = "ORC-232"


class NotBootstrappedError(WrongUseError):
    """The CDK has not been prepared in this account and region.

    `cdk bootstrap` creates the bucket and the roles that every deployment uses, once for an account and region.

    Type the command of the second line; docs/running-on-aws.md says who may.
    """

    code = "ORC-233"


class ClusterUnfitError(WrongUseError):
    """The cluster is not there, or cannot do what was asked.

    It has ended, EMR has forgotten it, it is busy, or its size is fixed.

    `orchard status` says how it is; `orchard up` makes a new one after one that ended.
    """

    code = "ORC-240"


class ClusterStillThereError(OrchardError):
    """The cluster did not end in time.

    EMR was asked to end it and it is still there. It still costs.

    End it with the command of the second line, and look at it in EMR's console.
    """

    code = "ORC-241"


class RunUnknownError(WrongUseError):
    """There is no such run, or it is not finished.

    A run is known as long as EMR remembers its cluster (two months) or its results are in the data bucket.

    `orchard results` lists the runs; `orchard status NAME --follow` waits for one.
    """

    code = "ORC-250"


class RunRefusedError(WrongUseError):
    """A run cannot begin as it was asked for.

    Its photos, its backbone or its name were checked before anything is spent, and one of them does not fit.

    Do what the second line says, and type the command again.
    """

    code = "ORC-251"


class RunNotFinishedError(OrchardError):
    """A run ended without results, or goes on unseen.

    It was cancelled, its step left no manifest, or the command no longer follows it.

    `orchard status NAME` says how it is, `orchard logs NAME` what it printed.
    """

    code = "ORC-252"


class RunOnClusterFailedError(OrchardError):
    """A run failed on the cluster, and its logs show no cause that is known.

    Where they do, the message carries the code of the cause instead: ORC-1.. where the job itself said what is wrong,
    ORC-5.. where its logs show it.

    `orchard logs NAME` shows the whole log, `--containers` those of the executors.
    """

    code = "ORC-253"


class RunFilesError(WrongUseError):
    """A run's results cannot be used for this.

    A file is missing or damaged, the run had no classifier or used no network, or its backbone is not here.

    Fetch the results again, or do what the second line says.
    """

    code = "ORC-260"


class NotWritableError(WrongUseError):
    """A file cannot be written, or one is there that may be wanted.

    The folder is missing or may not be written to, or an earlier file would be replaced. Nothing was written.

    Name another place, or replace the file as the second line says.
    """

    code = "ORC-261"


class ReportNotShownError(OrchardError):
    """The report cannot be shown.

    It is not among the results, or this machine has no browser.

    Make it with `python -m job report RESULTS`, or open the file in a browser yourself.
    """

    code = "ORC-262"


class NotClassifiedError(OrchardError):
    """Some photos could not be classified.

    Each is named with its reason above; the others were classified.

    Give photos in JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, JPEG 2000 or HEIC.
    """

    code = "ORC-263"


class PriceUnknownError(WrongUseError):
    """There is no price for this.

    AWS was not asked or gave none, and the table that ships holds no sourced price for this type and region.

    Sign in, so that the Price List API can be asked, or name another `--type` or region.
    """

    code = "ORC-270"
