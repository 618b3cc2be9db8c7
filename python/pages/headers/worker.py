from pyscript import window, document

document.body.append(f"isolated: {window.crossOriginIsolated}")
