from pyscript import sync

sync.hello = lambda name: f"Hello, {name}"
