from pyscript import sync, window


def heavy_computation(a, b):
    return a * b


def read_address():
    try:
        return window.location.href
    except RuntimeError as error:
        return f"RuntimeError: {error}"


__export__ = ["heavy_computation", "read_address"]
