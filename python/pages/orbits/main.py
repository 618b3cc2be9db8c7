"""The page: starts the worker, draws the positions that it sends, and remains responsive."""

import asyncio
import math

from pyscript import PyWorker, document, window

COLOURS = ["#b1a79a", "#e8c07a", "#6ea8ff", "#ff7a5c", "#e0b58a", "#e8d9a0", "#9fe0e6", "#6f8cff"]


def element(name):
    return document.getElementById(name)


sky = element("sky")
context = sky.getContext("2d")
frames = 0
running = False


def place(x, y):
    """Returns the pixel of a position. Distances are compressed, since the inner planets would otherwise overlap."""
    distance = math.sqrt(x * x + y * y)
    scale = distance ** -0.55 * sky.height * 0.103
    return sky.width / 2 + x * scale * 1.9, sky.height / 2 - y * scale


def clear():
    context.fillStyle = "#0b0d12"
    context.fillRect(0, 0, sky.width, sky.height)
    context.fillStyle = "#fff3c4"
    context.beginPath()
    context.arc(sky.width / 2, sky.height / 2, 7, 0, 7)
    context.fill()


def show(share, positions):
    """Draws positions. The worker calls this function and blocks until it returns."""
    element("progress").value = share
    for colour, (x, y) in zip(COLOURS, positions):
        left, top = place(x, y)
        context.fillStyle = colour
        context.fillRect(left - 1, top - 1, 2.5, 2.5)


def count_frame(*_):
    global frames
    frames += 1
    if running:
        window.requestAnimationFrame(count_frame)


async def simulate():
    global frames, running
    frames, running = 0, True
    clear()
    element("progress").value = 0
    element("status").textContent = "Computing…"
    element("start").disabled, element("stop").disabled = True, False
    window.requestAnimationFrame(count_frame)
    try:
        result = await worker.sync.simulate(int(element("years").value))
        element("status").textContent = f"{result}; the page painted {frames} frames."
    except KeyboardInterrupt:
        # The interrupt arrived before the worker had begun.
        element("status").textContent = "Stopped."
    except Exception as error:
        element("status").textContent = f"{type(error).__name__}: {error}"
    running = False
    element("start").disabled, element("stop").disabled = False, True


def start(event):
    event.preventDefault()
    asyncio.create_task(simulate())


worker = PyWorker("./worker.py", type="pyodide")
worker.sync.show = show
element("form").addEventListener("submit", start)
element("stop").addEventListener("click", lambda event: worker.interrupt())
clear()
await worker.ready
element("start").disabled = False
element("status").textContent = "Ready."
