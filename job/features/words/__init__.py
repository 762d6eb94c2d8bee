"""Describe photos by visual words.

``extractor``, which needs Spark, and ``options`` (of the command line) are public too.
"""

from job.features.words import vocabulary
from job.features.words.descriptors import KINDS, DescriptorKind, require_opencv
from job.features.words.vocabulary import Learning, Vocabulary

__all__ = ["KINDS", "DescriptorKind", "Learning", "Vocabulary", "require_opencv", "vocabulary"]
