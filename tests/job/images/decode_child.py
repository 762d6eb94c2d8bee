"""A process that decodes photos and prints the seconds of the slowest and the most memory that they took.

Its arguments are a deadline in seconds, after which a photo that hangs ends the process, and files; each file holds a
photo, or a photo to be damaged when a number of mutations follows its name after a ``*``.
"""

import faulthandler
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from job.features.words import KINDS
from job.features.words.descriptors import LARGEST_SIDE, describer
from job.images import RejectedPhotoError, decode_at_own_size
from job.images.decode import decode
from tests import memory
from tests.job.hostile_photos import mutations

SEED = 10


def main(words: Sequence[str]) -> None:
    """Decode all, in each way the job knows; print what it took as JSON."""
    deadline = float(words[0])
    describe = [describer(kind, 50) for kind in KINDS.values()]
    warm = np.asarray(decode_at_own_size(Path(words[1].partition("*")[0]).read_bytes(), LARGEST_SIDE))
    for each in describe:
        each(warm)
    before = memory.peak()
    slowest, outcomes, reasons = 0.0, Counter[str](), set()
    for content in _contents(words[1:]):
        # Nothing can catch this: a decoder in C that hangs handles no signal.
        faulthandler.dump_traceback_later(deadline, exit=True)
        began = time.perf_counter()
        try:
            decode(content, 224, 224)
            photo = np.asarray(decode_at_own_size(content, LARGEST_SIDE))
            for each in describe:
                each(photo)
            outcomes["used"] += 1
        except RejectedPhotoError as rejection:
            outcomes["rejected"] += 1
            reasons.add(str(rejection))
        slowest = max(slowest, time.perf_counter() - began)
        faulthandler.cancel_dump_traceback_later()
    peak = memory.peak() - before
    odd = sorted(reason for reason in reasons if not reason.isprintable() or not 0 < len(reason) <= 200)
    print(json.dumps({"slowest": slowest, "peak_mib": peak // 2**20, "outcomes": outcomes, "odd": odd}))  # noqa: T201


def _contents(files: Sequence[str]) -> Iterator[bytes]:
    for file in files:
        name, _, count = file.partition("*")
        content = Path(name).read_bytes()
        if count:
            yield from mutations(content, SEED, int(count))
        else:
            yield content


if __name__ == "__main__":
    main(sys.argv[1:])
