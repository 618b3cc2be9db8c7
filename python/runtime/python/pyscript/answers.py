"""Answers of calls between Python and JavaScript. `answers.js` is the other half."""

import json

from pyscript.errors import described, raised
from pyscript.platform import entered, is_awaitable, promised, started
from pyscript.values import pack, unpack


def opened(answer):
    """Returns the value of an answer, or raises its error."""
    if answer[0] == "v":
        return unpack(answer[1:])
    raise raised(json.loads(answer[1:]))


def later(promise, convert=lambda value: value):
    """Awaitable: the value of the answer of a promise."""
    return started(_opened_later(promise, convert))


async def _opened_later(promise, convert):
    return convert(opened(await promise))


def served(function, name):
    """What JavaScript calls instead of a function: takes arguments as text. Returns an answer or a promise of one."""

    def serve(text):
        try:
            result = function(*unpack(text))
            if is_awaitable(result):
                return entered(promised(_settled(result, name)))
            return entered(_answer(result, name))
        except BaseException as error:
            return entered(_failure(error))

    return serve


async def _settled(awaitable, name):
    try:
        return _answer(await awaitable, name)
    except BaseException as error:
        return _failure(error)


def _answer(result, name):
    return "v" + pack(result, (name, "result"))


def _failure(error):
    return "e" + json.dumps(described(error))
