"""CloudFormation: turns templates into resources, as AWS does. ``api`` and ``service`` are public too."""
