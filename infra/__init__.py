"""Declares, deploys, follows and removes the environment that the job runs in; knows nothing of images."""
