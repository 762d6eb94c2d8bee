"""Read and write files by URI."""
