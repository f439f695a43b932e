"""What the suites of formats share: asking Beadle what it makes of a message, and running the programs that write the files."""
