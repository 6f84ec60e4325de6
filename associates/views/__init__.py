"""The pages around delivering: joining, set-up, "Me"."""
