"""Train, evaluate and apply classifiers."""
