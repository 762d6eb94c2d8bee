"""What EMR is: clusters, their nodes and their steps, and how they come from one state into the next."""
