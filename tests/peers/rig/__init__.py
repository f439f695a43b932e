"""What the peer tests are built from: programs to start and stop, a recording server, raw clients, sample mail."""
