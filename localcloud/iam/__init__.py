"""IAM: checks signatures and policies before a request reaches a service. ``middleware`` is public too."""
