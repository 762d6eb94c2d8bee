"""Patches of moto where it differs from AWS, or is slow: each module's ``apply`` changes moto in this process.

The modules ``budgets``, ``dispatcher``, ``ec2``, ``emr``, ``events``, ``iam``, ``s3`` and ``servicequotas`` are public
too.
"""

from collections.abc import Callable

Replace = Callable[[object, str, object], None]
"""Replaces an attribute, such as ``setattr``; a test gives one that restores it afterwards."""
