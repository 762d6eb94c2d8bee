"""IAM: checks signatures and policies before a request reaches a service.

The modules ``middleware``, ``policies`` and ``principals`` are public too.
"""
