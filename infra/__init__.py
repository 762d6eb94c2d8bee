"""Declare, deploy, follow and remove the environment that the job runs in."""
