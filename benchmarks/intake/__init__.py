"""100,000 rows come in while people claim: how long, how much memory, and whether a tap is slower for it."""
