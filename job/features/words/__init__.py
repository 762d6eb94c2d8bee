"""Describe photos by visual words.

``extractor`` is public too, and needs Spark; ``options`` holds the command line's choices.
"""

from job.features.words import vocabulary
from job.features.words.descriptors import KINDS, DescriptorKind, require_opencv
from job.features.words.vocabulary import Learning, Vocabulary

__all__ = ["KINDS", "DescriptorKind", "Learning", "Vocabulary", "require_opencv", "vocabulary"]
