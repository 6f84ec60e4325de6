"""The pages before and around delivering: landing, joining, set-up, "Me"."""
