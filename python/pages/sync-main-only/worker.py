from pyscript import sync, window


def heavy_computation(a, b):
    return a * b


def reach_for_the_page():
    try:
        return window.location.href
    except RuntimeError as error:
        return f"RuntimeError: {error}"


__export__ = ["heavy_computation", "reach_for_the_page"]
