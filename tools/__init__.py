"""What set-up and upkeep run. Set-up itself uses the standard library only: nothing is installed yet."""
