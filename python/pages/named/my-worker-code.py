from pyscript import sync

sync.whoami = lambda: "my-worker"
