"""An erasure measured in the running server: how long it takes, whom it keeps waiting, and what it leaves."""
