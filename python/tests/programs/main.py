# Python on the page and in a worker of the page: calls in both directions, with values and errors of Python.
from pyscript import PyWorker, RUNNING_IN_WORKER, document, sync, window, workers

log = []


def check(name, condition):
    print(("ok " if condition else "FAILED ") + name)


def raises(kind, action, part=""):
    try:
        action()
    except kind as error:
        return part in str(error)
    return False


check("the program runs on main", not RUNNING_IN_WORKER and window.document == document)
check("PyWorker requires a type", raises(TypeError, lambda: PyWorker("all.py"), "there is none"))
check("PyWorker rejects an unknown type", raises(TypeError, lambda: PyWorker("all.py", type="py"), '"py"'))
check("sync is refused on main", raises(RuntimeError, lambda: sync.hello(), "how a worker calls main"))

worker = PyWorker("./all.py", type="micropython", name="from-python")
check("a name in use is refused", raises(RuntimeError, lambda: PyWorker("./all.py", type="micropython", name="from-python"), "from-python"))


def fail(message):
    raise ValueError(message)


async def fail_later(message):
    raise KeyError(message)


worker.sync.fail = fail
worker.sync.fail_later = fail_later
worker.sync.describe = lambda value: type(value).__name__ + " " + repr(value)
check("ready returns the worker", (await worker.ready) is worker)
check("values return from the worker unchanged", await worker.sync.echo({"a": [1, 2.5, None, True, "x", 2**70], "b": b"\x00\xff"}) == {"a": [1, 2.5, None, True, "x", 2**70], "b": b"\x00\xff"})

found = await (await workers["from-python"]).attempt("describe", {"a": [1, b"b"]})
check("main receives values of Python", found["value"] == "dict {'a': [1, b'b']}")
found = await worker.sync.attempt("fail", "no")
check("an error of main keeps class, message and traceback", found["class"] == "ValueError" and found["text"] == "no" and "in fail" in found["remote"])
found = await worker.sync.attempt("fail_later", "k")
check("an error of an async function of main keeps its class", found["class"] == "KeyError")

try:
    await worker.sync.fails("own")
    check("an error of the worker keeps class, message and traceback", False)
except ValueError as error:
    check("an error of the worker keeps class, message and traceback", type(error).__name__ == "OwnError" and str(error) == "of its own class" and "in fails" in error.remote_traceback)

try:
    worker.sync.echo({"on": [fail]})
    check("an argument that cannot be sent is refused with its path", False)
except TypeError as error:
    check("an argument that cannot be sent is refused with its path", str(error) == "`echo`: args[0]['on'][0]: a function cannot be sent")

pending = worker.sync.later(1)
worker.terminate()
for name, action in (("pending", lambda: pending), ("later", lambda: worker.sync.echo(1))):
    try:
        await action()
        check(name + " calls of a terminated worker raise RuntimeError", False)
    except RuntimeError as error:
        check(name + " calls of a terminated worker raise RuntimeError", "terminated" in str(error))
print("done")
