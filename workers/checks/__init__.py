"""Questions to what was rolled back: is it well, which version does it say it is."""
