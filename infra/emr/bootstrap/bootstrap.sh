#!/usr/bin/env bash
# Bootstrap action: makes a Python virtual environment with the job's libraries, from a wheelhouse, offline.
#
#   bootstrap.sh INTERPRETER FOLDER WHEELHOUSE [REGION]
#
#   INTERPRETER  Python to make the environment with, /usr/bin/python3.11
#   FOLDER       where the environment goes; what is there is replaced
#   WHEELHOUSE   zip with wheels, requirements.txt (with hashes) and modules.txt, and with uv, which installs
#                them: a file, or s3://bucket/key
#   REGION       of an s3:// wheelhouse: without it the CLI may call an endpoint that a private subnet cannot reach
#
# Ends with a code other than 0, and says why, unless every module imports with the environment's own Python.
# EMR then ends the node, and the cluster if it is the primary: better than a step that fails after an hour.
set -euo pipefail

step="reading the arguments"
trap 'echo "bootstrap: FAILED while ${step}" >&2' ERR

if [ "$#" -lt 3 ] || [ "$#" -gt 4 ]; then
    echo "bootstrap: expected INTERPRETER FOLDER WHEELHOUSE [REGION], got $# arguments" >&2
    exit 2
fi
interpreter=$1
folder=$2
wheelhouse=$3
region=${4:-}

# The root volume's /tmp is small on EMR; /mnt is the data disk.
if [ -d /mnt/tmp ] && [ -w /mnt/tmp ]; then
    export TMPDIR=/mnt/tmp
fi
work=$(mktemp -d)
trap 'rm -rf "${work}"' EXIT

# EMR installs its own packages after the bootstrap actions, so Python may not be there yet.
step="installing ${interpreter##*/}"
[ -x "${interpreter}" ] || sudo dnf install -y -q "${interpreter##*/}"

step="running ${interpreter}"
"${interpreter}" --version

step="fetching ${wheelhouse}"
case "${wheelhouse}" in
    s3://*)
        aws s3 cp ${region:+--region "${region}"} --only-show-errors "${wheelhouse}" "${work}/wheelhouse.zip"
        wheelhouse="${work}/wheelhouse.zip"
        ;;
esac

step="unpacking ${wheelhouse}"
"${interpreter}" -m zipfile -e "${wheelhouse}" "${work}/wheels"

step="making the environment ${folder}"
if ! mkdir -p "${folder}" 2>/dev/null || [ ! -w "${folder}" ]; then
    # Bootstrap actions run as the user hadoop, who owns nothing below /opt.
    sudo install -d -o "$(id -un)" "${folder}"
fi
"${interpreter}" -m venv --clear --without-pip "${folder}"
python="${folder}/bin/python"

step="unpacking what installs the wheels"
"${interpreter}" -m zipfile -e "${work}"/wheels/uv-*.whl "${work}/installer"
chmod +x "${work}"/installer/uv-*.data/scripts/uv

step="installing the wheels"
# A missing or changed wheel stops here, and uv names it. Its cache is on the same disk as what it installs: what was
# unpacked is linked there instead of being written a second time. What it says of a failure stays on one line.
UV_NO_WRAP=1 "${work}"/installer/uv-*.data/scripts/uv pip install --quiet --no-config --offline --python "${python}" \
    --cache-dir "${folder}/cache" --no-index --find-links "${work}/wheels" --no-deps --only-binary :all: \
    --require-hashes --requirement "${work}/wheels/requirements.txt"
rm -rf "${folder}/cache" "${folder}/.lock"

# One process for all: each would load NumPy and Arrow again. It notes what it imports, so that even a crash is named.
"${python}" - "${work}/wheels/modules.txt" "${work}/importing" <<'PYTHON' || { step="importing $(cat "${work}/importing")"; false; }
import importlib, pathlib, sys

for module in pathlib.Path(sys.argv[1]).read_text().split():
    pathlib.Path(sys.argv[2]).write_text(module)
    importlib.import_module(module)
PYTHON

echo "bootstrap: $(grep -c . "${work}/wheels/modules.txt") modules import with ${python}"
