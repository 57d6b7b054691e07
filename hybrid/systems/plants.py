"""Placeholder by the lead until helper 4's version lands (overwrite me)."""


def plants() -> tuple: return ()
def plant(name): raise KeyError(name)
