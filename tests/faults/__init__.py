"""What goes wrong around the job, and what becomes of it: `make faults` prints the table of all."""
