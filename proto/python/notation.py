"""The notation of values in the vectors: section 17 of proto/SPEC.md."""

import math

import values
from values import UNDEFINED, HOLE

KINDS_OF_REFERENCES = ["object", "array", "function", "symbol"]
KINDS_OF_HANDLES = ["function", "methods", "exposed", "stream", "signal", "controller"]
OWNERS = ["sender", "receiver"]


class FromNotation:
    """Makes values of the notation."""

    def __init__(self):
        self.objects = []

    def new(self, value):
        self.objects.append(value)
        return value

    def value(self, n):
        if isinstance(n, bool) or n is None or isinstance(n, (int, float, str)):
            return float(n) if isinstance(n, int) and abs(n) > values.SAFE else n
        if isinstance(n, list):
            value = self.new([])
            value.extend(self.value(element) for element in n)
            return value
        ((kind, about),) = n.items()
        return getattr(self, kind[1:])(about)

    def undefined(self, _):
        return UNDEFINED

    def hole(self, _):
        return HOLE

    def number(self, text):
        return float(text)

    def bigint(self, text):
        return values.BigInt(text)

    def utf16(self, units):
        return b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "surrogatepass")

    def symbol(self, key):
        return values.Symbol(key)

    def wellKnown(self, key):
        return values.Symbol(key, True)

    def date(self, n):
        return self.new(values.Date(self.value(n)))

    def regexp(self, about):
        return self.new(values.RegExp(self.value(about["source"]), about["flags"], about["lastIndex"]))

    def pairs(self, pairs, into):
        for key, item in pairs:
            into[self.value(key)] = self.value(item)
        return into

    def object(self, pairs):
        return self.pairs(pairs, self.new({}))

    def map(self, pairs):
        value = self.new(values.Map([]))
        for key, item in pairs:
            value.entries.append((self.value(key), self.value(item)))
        return value

    def set(self, items):
        value = self.new(values.Set([]))
        value.items.extend(self.value(item) for item in items)
        return value

    def error(self, about):
        value = self.new(values.Error("", ""))
        value.name, value.message, value.stack = (self.value(about[k]) for k in ("class", "message", "stack"))
        if "cause" in about:
            value.cause = self.value(about["cause"])
        self.pairs(about["properties"], value.properties)
        return value

    def boxed(self, n):
        value = self.new(values.Boxed(None))
        value.value = self.value(n)
        return value

    def buffer(self, about):
        return self.new(values.ArrayBuffer(bytearray.fromhex(about["bytes"]), about.get("max")))

    def bytes(self, text):
        value = self.new(bytearray.fromhex(text))
        self.new(values.ArrayBuffer(value))
        return value

    def view(self, about):
        value = self.new(values.View(about["type"], about["offset"], about.get("length"), None))
        value.buffer = self.value(about["buffer"])
        return value

    def blob(self, about):
        return self.new(values.Blob(about["type"], bytes.fromhex(about["bytes"])))

    def file(self, about):
        data = bytes.fromhex(about["bytes"])
        return self.new(values.File(about["type"], self.value(about["lastModified"]), data, self.value(about["name"])))

    def image(self, about):
        data = bytes.fromhex(about["bytes"])
        return self.new(values.ImageData(about["width"], about["height"], about["colorSpace"], data))

    def reference(self, about):
        kind = KINDS_OF_REFERENCES.index(about["kind"])
        return values.Reference(OWNERS.index(about["owner"]), kind, int(about["id"]))

    def handle(self, about):
        kind = KINDS_OF_HANDLES.index(about["kind"])
        description = self.value(about["description"])
        return values.Handle(OWNERS.index(about["owner"]), kind, int(about["id"]), description)

    def shared(self, number):
        return self.objects[number]

    def posted(self, about):
        return values.Posted(OWNERS.index(about["owner"]), int(about["number"]))


class ToNotation:
    """Writes values in the notation, with numbers in one form."""

    def __init__(self):
        self.numbers = {}

    def known(self, *ids):
        """The number of the first of these objects if it was there before; otherwise each of them gets one."""
        if ids[0] in self.numbers:
            return {"$shared": self.numbers[ids[0]]}
        for id in ids:
            self.numbers[id] = len(self.numbers)
        return None

    def value(self, v):
        if v is None or isinstance(v, bool):
            return v
        if v is UNDEFINED:
            return {"$undefined": True}
        if v is HOLE:
            return {"$hole": True}
        if isinstance(v, values.BigInt):
            return {"$bigint": str(int(v))}
        if isinstance(v, (int, float)):
            return number(v)
        if isinstance(v, str):
            if values.is_well_formed(v):
                return v
            data = v.encode("utf-16-le", "surrogatepass")
            return {"$utf16": [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)]}
        if isinstance(v, values.Symbol):
            return {"$wellKnown" if v.well_known else "$symbol": v.key}
        if isinstance(v, values.Reference):
            kind = KINDS_OF_REFERENCES[v.kind]
            return {"$reference": {"owner": OWNERS[v.owner], "kind": kind, "id": str(v.id)}}
        if isinstance(v, values.Handle):
            about = {"owner": OWNERS[v.owner], "kind": KINDS_OF_HANDLES[v.kind], "id": str(v.id)}
            return {"$handle": about | {"description": self.value(v.description)}}
        if isinstance(v, values.Posted):
            return {"$posted": {"owner": OWNERS[v.owner], "number": str(v.number)}}
        if isinstance(v, bytearray):
            return self.known(("array", id(v)), id(v)) or {"$bytes": v.hex()}
        key = id(v.data) if isinstance(v, values.ArrayBuffer) else ("object", id(v))
        return self.known(key) or self.object(v)

    def object(self, v):
        if isinstance(v, list):
            return [self.value(element) for element in v]
        if isinstance(v, dict):
            return {"$object": self.pairs(v.items())}
        if isinstance(v, values.Map):
            return {"$map": self.pairs(v.entries)}
        if isinstance(v, values.Set):
            return {"$set": [self.value(item) for item in v.items]}
        if isinstance(v, values.Date):
            return {"$date": number(v.milliseconds)}
        if isinstance(v, values.RegExp):
            return {"$regexp": {"source": self.value(v.source), "flags": v.flags, "lastIndex": v.last_index}}
        if isinstance(v, values.Error):
            about = {"class": self.value(v.name), "message": self.value(v.message), "stack": self.value(v.stack)}
            if v.cause is not HOLE:
                about["cause"] = self.value(v.cause)
            return {"$error": about | {"properties": self.pairs(v.properties.items())}}
        if isinstance(v, values.Boxed):
            return {"$boxed": self.value(v.value)}
        if isinstance(v, values.ArrayBuffer):
            return {"$buffer": {"bytes": v.data.hex()} | ({} if v.maximum is None else {"max": v.maximum})}
        if isinstance(v, values.View):
            about = {"type": v.type, "offset": v.offset} | ({} if v.length is None else {"length": v.length})
            return {"$view": about | {"buffer": self.value(v.buffer)}}
        if isinstance(v, values.Blob):
            return {"$blob": {"type": v.type, "bytes": v.data.hex()}}
        if isinstance(v, values.File):
            about = {"type": v.type, "name": self.value(v.name), "lastModified": number(v.last_modified)}
            return {"$file": about | {"bytes": v.data.hex()}}
        about = {"width": v.width, "height": v.height, "colorSpace": v.color_space}
        return {"$image": about | {"bytes": v.data.hex()}}

    def pairs(self, pairs):
        return [[self.value(key), self.value(item)] for key, item in pairs]


def number(n):
    if n != n:
        return {"$number": "NaN"}
    if math.isinf(n) or n == 0 and math.copysign(1, n) < 0:
        return {"$number": repr(float(n)).replace("inf", "Infinity").replace("-0.0", "-0")}
    return n


def same_form(n):
    """A value in the notation, with numbers in one form."""
    if isinstance(n, list):
        return [same_form(element) for element in n]
    if isinstance(n, dict):
        return number(float(n["$number"])) if "$number" in n else {key: same_form(item) for key, item in n.items()}
    return n
