"""What set-up and upkeep run; standard library only, because it runs before anything is installed."""
