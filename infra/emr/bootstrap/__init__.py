"""The bootstrap action: the job's Python libraries on every node, without the internet."""
