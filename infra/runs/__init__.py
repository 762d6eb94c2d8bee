"""Start, follow, diagnose and fetch runs."""
