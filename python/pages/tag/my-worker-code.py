import sys

from pyscript import document

document.body.append(f"Python {sys.version.split()[0]} in a worker")
