from pyscript import config, sync

sync.config = lambda: config
