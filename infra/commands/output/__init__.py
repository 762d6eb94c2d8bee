"""Print tables and progress bars."""
