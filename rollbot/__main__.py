"""`python -m rollbot`: the same front door."""

from rollbot.cli import main

main()
