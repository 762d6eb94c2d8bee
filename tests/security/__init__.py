"""What holds for the whole source: no code from data, everything pinned, nothing secret written down."""
