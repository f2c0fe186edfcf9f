"""What `edge-inspect` finds in a program and how it shows it."""
