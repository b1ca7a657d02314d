"""A chat as Channels' documentation has one build it, on our tables: what the live part is compared with."""
