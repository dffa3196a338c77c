"""Every card as a picture: `python -m tests.cards docs/img`."""
