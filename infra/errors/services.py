"""Errors of AWS and of the local cloud."""

from infra.errors.commands import TemporaryFailureError, WrongUseError
from job.errors import OrchardError


class SignInError(WrongUseError):
    """AWS does not know who is calling.

    There are no credentials, they have expired, or AWS does not accept them.

    Sign in (`aws sso login`, `aws configure`), or choose a profile with `--profile`. `aws sts get-caller-identity`
    shows who you are.
    """

    code = "ORC-300"


class NotAllowedError(WrongUseError):
    """The credentials lack a permission.

    AWS refused the call that the message names.

    Ask for this permission. docs/policies/operator.json is the policy of a user who deploys and runs.
    """

    code = "ORC-301"


class AwsNotReachedError(TemporaryFailureError):
    """AWS could not be reached.

    The network of this machine, a proxy, or a service of AWS does not answer.

    Check the network, then rerun the command.
    """

    code = "ORC-302"


class AwsBusyError(TemporaryFailureError):
    """AWS failed or throttled every attempt.

    Each call was retried with longer and longer pauses.

    Wait a minute, then rerun the command.
    """

    code = "ORC-303"


class WrongRegionError(WrongUseError):
    """The resource is in another region.

    A bucket, stack or cluster belongs to one region, and the command looked in another.

    Choose its region with `--region`, or set `region` in cdk.json.
    """

    code = "ORC-304"


class BucketGoneError(WrongUseError):
    """A bucket does not exist.

    A URI names it wrongly, or a stack names it and it was deleted by hand.

    `cdk destroy OrchardData`, then `cdk deploy OrchardData` creates it again.
    """

    code = "ORC-305"


class WrongClockError(WrongUseError):
    """The clock of this machine is wrong.

    AWS refuses calls that were signed more than some minutes ago, or in the future.

    Set the clock, then rerun the command.
    """

    code = "ORC-306"


class NotDeletedError(OrchardError):
    """Objects in a bucket could not be deleted.

    A policy of the bucket or of the account forbids it. Objects that were deleted before are deleted.

    Look at the bucket's policy, then rerun the command.
    """

    code = "ORC-307"


class AccountUnfitError(WrongUseError):
    """The account is not ready for a deployment.

    A check found something that would make the deployment or a run fail: a quota of vCPUs, an instance type that the
    zones do not offer, the network or a permission. Nothing was changed.

    Type the fix that the second line names. `orchard doctor` prints every check.
    """

    code = "ORC-308"


class LocalCloudStateError(WrongUseError):
    """The local cloud is already running, or is not running.

    One local cloud runs per state folder.

    `orchard local status` lists what it contains; `orchard local up` and `orchard local down` start and end it.
    `--state DIR` starts a second one.
    """

    code = "ORC-400"


class LocalCloudError(OrchardError):
    """The local cloud, or a stage of the demonstration, failed.

    Its log, which the second line names, has the whole message.

    Read the last lines of the log. `orchard local down` deletes what is left; then start again.
    """

    code = "ORC-401"


class StartedElsewhereError(WrongUseError):
    """The local cloud was started from another terminal or folder.

    `orchard local down` deletes everything in it, which its user may need. Nothing was ended.

    Add `--yes` to end it all the same. For a second local cloud, use `--state DIR` with every `orchard local` command.
    """

    code = "ORC-403"
