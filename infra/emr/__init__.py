"""What a cluster is made of, each part a function from settings to a description."""
