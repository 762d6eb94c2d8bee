"""Read and write a results folder."""
