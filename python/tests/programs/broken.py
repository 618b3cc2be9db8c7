from pyscript import sync

sync.early = lambda: "early"
raise ValueError("broken on purpose")
