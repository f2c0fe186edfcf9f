"""What the runtimes that a program may be made for can run: a table for each."""
