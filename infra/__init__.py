"""Declares, deploys, follows and removes the environment that the job runs in; leaves photos to the job."""
