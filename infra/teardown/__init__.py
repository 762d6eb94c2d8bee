"""Delete the environment and find leftover resources."""
