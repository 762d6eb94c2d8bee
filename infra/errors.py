"""The errors of the command line: each class is one kind of failure, with its code and exit code.

A docstring is the entry of docs/troubleshooting.md: a title, what it means, what to do. Codes never change their
meaning; a new kind takes a new one. Two kinds are defined beside the code that raises them:
``infra.cdk_context.SettingsError`` and ``infra.emr.bootstrap.wheelhouse.WheelhouseError``.
"""

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


class SignInError(WrongUseError):
    """AWS does not know who is calling.

    There are no credentials, they have expired, or AWS does not accept them.

    Sign in (`aws sso login`, `aws configure`), or name a profile with `--profile`. `aws sts get-caller-identity`
    shows who you are.
    """

    code = "ORC-300"


class NotAllowedError(WrongUseError):
    """The credentials lack a permission.

    AWS refused the call that the message names.

    Ask for this permission; docs/policies/operator.json is the policy of a person who deploys and runs.
    """

    code = "ORC-301"


class AwsNotReachedError(TemporaryFailureError):
    """AWS could not be reached.

    The network of this machine, a proxy, or a service of AWS does not answer.

    Check the network, then type the same command again.
    """

    code = "ORC-302"


class AwsBusyError(TemporaryFailureError):
    """AWS failed, or asked to slow down, at every attempt.

    Calls were repeated with longer and longer waits.

    Wait a minute, then type the same command again.
    """

    code = "ORC-303"


class WrongRegionError(WrongUseError):
    """The thing is in another region.

    Buckets, stacks and clusters belong to one region, and the command looked in another.

    Name it with `--region`, or set `region` in cdk.json.
    """

    code = "ORC-304"


class BucketGoneError(WrongUseError):
    """A bucket is not there.

    A stack names it, but somebody has deleted it by hand.

    `cdk destroy OrchardData`, then `cdk deploy OrchardData` makes it anew.
    """

    code = "ORC-305"


class WrongClockError(WrongUseError):
    """The clock of this machine is wrong.

    AWS refuses calls that are signed more than some minutes ago, or in the future.

    Set the clock, then type the same command again.
    """

    code = "ORC-306"


class NotDeletedError(OrchardError):
    """Objects of a bucket could not be deleted.

    A policy of the bucket or of the account forbids it. What was deleted before stays deleted.

    Look at the bucket's policy, then type the same command again.
    """

    code = "ORC-307"


class AccountUnfitError(WrongUseError):
    """The account is not ready for a deployment.

    A check found something that would make the deployment or a run fail: a missing `cdk bootstrap`, a quota of virtual
    CPUs, an instance type that the zones do not offer, a network or a permission. Nothing was changed.

    Type the fix that the message names. `orchard doctor` prints every check.
    """

    code = "ORC-308"


class LocalCloudStateError(WrongUseError):
    """The local cloud is already running, or is not running.

    One runs on a machine at a time.

    `orchard local status` lists what it holds; `orchard local up` and `orchard local down` start and end it.
    """

    code = "ORC-400"


class LocalCloudError(OrchardError):
    """The local cloud, or a stage of the demonstration, failed.

    Its log, which the second line names, holds the whole message.

    Read the log's last lines. `orchard local down` removes what is left; then start again.
    """

    code = "ORC-401"


class NoPortError(OrchardError):
    """No port of this machine is free.

    The local cloud takes port 5055, or any other that is free; there was none.

    End a program that holds one, and start it again.
    """

    code = "ORC-402"
