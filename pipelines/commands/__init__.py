"""What `leftright` does with a cluster: each command is a module here with `main(words)`, which returns the exit status."""
