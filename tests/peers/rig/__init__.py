"""What the peer tests are built from: programs to start and stop, a recording server, raw clients, sample mail.

All of them: `tests/run peers`. One: `cd tests/peers && BEADLE=/path/to/beadle python3 -m unittest -v test_postfix`. Root is needed
for Postfix, Exim and the tests that mount a small file system; what is missing is skipped, and the reason said.
"""
