"""How far planned drives are off, and how often an arrival lies in the window that a customer was told."""
