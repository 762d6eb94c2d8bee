"""Compute a feature vector for each photo, with a network or with visual words.

Public: ``extractor``, the feature extractor interface, which needs Spark; and the packages ``network`` and ``words``.
"""
