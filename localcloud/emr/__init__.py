"""EMR: clusters, nodes and steps. ``api``, ``cluster``, ``service``, ``step`` and ``validation`` are public too."""
