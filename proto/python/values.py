"""The value format: section 17 of proto/SPEC.md.

Python's own types stand for the values of JavaScript that they match:

    None             null                        bytes, bytearray  Uint8Array over a buffer of its own
    bool, int, str   boolean, number, string     list, tuple       array
    float            number                      set, frozenset    Set
    int from 2**53   bigint                      dict              object; Map if a key is not a string

The classes below stand for all other values. `loads` returns mutable objects and keeps their identity: a list that
occurs twice in a payload is one list. It returns `BigInt` for bigints, and `bytearray` for bytes.
"""

import math
import struct
from dataclasses import dataclass, field

SAFE = 2**53 - 1
DEPTH = 256
KEYS = 127
DOUBLE = struct.Struct("<d")
VIEWS = {
    "DataView": 1, "Int8Array": 1, "Uint8Array": 1, "Uint8ClampedArray": 1, "Int16Array": 2, "Uint16Array": 2,
    "Int32Array": 4, "Uint32Array": 4, "Float16Array": 2, "Float32Array": 4, "Float64Array": 8, "BigInt64Array": 8,
    "BigUint64Array": 8,
}  # fmt: skip
VIEW_TYPES = list(VIEWS)


class Malformed(ValueError):
    """Bytes break a rule of section 17."""


class Unsendable(TypeError):
    """A value that the format does not have."""


class Only:
    """A value without content, compared by identity."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


UNDEFINED = Only("UNDEFINED")
HOLE = Only("HOLE")  # an element that an array does not have; as the cause of an error: none


class BigInt(int):
    """A bigint, also where a number would do."""


@dataclass(frozen=True)
class Symbol:
    key: str
    well_known: bool = False


@dataclass(eq=False)
class Date:
    milliseconds: float


@dataclass(eq=False)
class RegExp:
    source: str
    flags: str = ""
    last_index: int = 0


@dataclass(eq=False)
class Map:
    entries: list


@dataclass(eq=False)
class Set:
    items: list


@dataclass(eq=False)
class Error:
    name: str
    message: str
    stack: str = ""
    cause: object = HOLE
    properties: dict = field(default_factory=dict)


@dataclass(eq=False)
class Boxed:
    value: object


@dataclass(eq=False)
class ArrayBuffer:
    """A buffer. Its identity is that of `data`, which a Uint8Array over the whole of it shares."""

    data: bytearray
    maximum: int | None = None


@dataclass(eq=False)
class View:
    type: str
    offset: int
    length: int | None  # in elements; None: follows the length of its buffer
    buffer: ArrayBuffer


@dataclass(eq=False)
class Blob:
    type: str
    data: bytes


@dataclass(eq=False)
class File:
    type: str
    last_modified: float
    data: bytes
    name: str


@dataclass(eq=False)
class ImageData:
    width: int
    height: int
    color_space: str
    data: bytes


@dataclass(eq=False)
class Reference:
    owner: int
    kind: int
    id: int


@dataclass(eq=False)
class Handle:
    owner: int
    kind: int
    id: int
    description: object = UNDEFINED


@dataclass(eq=False)
class Posted:
    owner: int
    number: int


def dumps(value):
    """Returns the bytes of a value. Raises `Unsendable`."""
    writer = Writer()
    writer.item(value, 0)
    return writer.out


def loads(data):
    """Returns the value of bytes. Raises `Malformed`."""
    reader = Reader(data)
    value = reader.item(0)
    if reader.at != reader.end:
        raise Malformed("bytes are left behind the item")
    return value


class Writer:
    def __init__(self):
        self.out = bytearray()
        self.keys = {}  # key -> the number that it got first
        self.keys_written = 0
        self.numbers = {}  # id of an object -> its number
        self.buffers = {}  # id of the content of a buffer -> the number of the buffer
        self.count = 0

    def varint(self, n):
        while n > 127:
            self.out.append(n & 127 | 128)
            n >>= 7
        self.out.append(n)

    def tagged(self, tag, n):
        self.out.append(tag)
        self.varint(n)

    def data(self, data):
        self.varint(len(data))
        self.out += data

    def known(self, value):
        """Writes an object that was there before as its number; otherwise gives it one."""
        number = self.numbers.get(id(value))
        if number is not None:
            self.tagged(0x9E, number)
            return True
        self.numbers[id(value)] = self.count
        self.count += 1
        return False

    def item(self, value, depth, in_array=False):
        out = self.out
        if value is HOLE:  # holes do not count for the depth
            if not in_array:
                raise Unsendable("a hole stands in an array only")
            out.append(0x84)
        elif depth > DEPTH:
            raise Unsendable(f"a value is nested deeper than {DEPTH}")
        elif value is None:
            out.append(0x81)
        elif value is UNDEFINED:
            out.append(0x80)
        elif isinstance(value, bool):
            out.append(0x83 if value else 0x82)
        elif isinstance(value, int):
            self.integer(value)
        elif isinstance(value, float):
            if value.is_integer() and abs(value) <= SAFE and (value or math.copysign(1, value) > 0):
                self.integer(int(value))
            else:
                out.append(0x87)
                out += DOUBLE.pack(math.nan if value != value else value)
        elif isinstance(value, str):
            self.string(value)
        elif isinstance(value, Symbol):
            out.append(0x8D if value.well_known else 0x8C)
            self.text(value.key)
        elif isinstance(value, (bytes, bytearray, memoryview)):
            self.bytes(value, depth)
        elif isinstance(value, ArrayBuffer):
            self.buffer(value)
        elif isinstance(value, Reference):
            out += bytes((0x9D, value.owner, value.kind))
            self.varint(value.id)
        elif isinstance(value, Handle):
            out += bytes((0x9F, value.owner, value.kind))
            self.varint(value.id)
            self.item(value.description, depth + 1)
        elif isinstance(value, Posted):
            out += bytes((0xA0, value.owner))
            self.varint(value.number)
        elif not self.known(value):
            self.object(value, depth + 1)

    def integer(self, n):
        if isinstance(n, BigInt) or abs(n) > SAFE:
            magnitude = abs(n)
            self.out.append(0x89 if n < 0 else 0x88)
            self.data(magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "little"))
        elif n < 0:
            self.tagged(0x86, -n - 1)
        elif n < 64:
            self.out.append(n)
        else:
            self.tagged(0x85, n)

    def text(self, text):
        data = text.encode()
        if len(data) < 32:
            self.out.append(0x40 + len(data))
        else:
            self.tagged(0x8A, len(data))
        self.out += data

    def string(self, text):
        try:
            self.text(text)
        except UnicodeEncodeError:  # lone surrogates, or pairs of them that are a character
            units = text.encode("utf-16-le", "surrogatepass")
            try:
                self.text(units.decode("utf-16-le"))
            except UnicodeDecodeError:
                self.tagged(0x8B, len(units) // 2)
                self.out += units

    def bytes(self, value, depth):
        if id(value) in self.buffers and id(value) not in self.numbers:
            # Its buffer has a number already, so the array is a view of it.
            view = View("Uint8Array", 0, len(value), ArrayBuffer(value))
            self.numbers[id(value)] = self.count
            self.count += 1
            self.object(view, depth + 1)
        elif not self.known(value):
            self.buffers[id(value)] = self.count
            self.count += 1
            self.out.append(0x98)
            self.data(value)

    def buffer(self, value):
        number = self.buffers.get(id(value.data))
        if number is not None:
            self.tagged(0x9E, number)
            return
        self.buffers[id(value.data)] = self.count
        self.count += 1
        if value.maximum is None:
            self.out.append(0x96)
        else:
            self.tagged(0x97, value.maximum)
        self.data(value.data)

    def object(self, value, depth):
        out = self.out
        if isinstance(value, dict) and all(isinstance(key, (str, Symbol)) for key in value):
            if len(value) < 16:
                out.append(0x70 + len(value))
            else:
                self.tagged(0x91, len(value))
            self.properties(value, depth)
        elif isinstance(value, (list, tuple)):
            if len(value) < 16:
                out.append(0x60 + len(value))
            else:
                self.tagged(0x90, len(value))
            for element in value:
                self.item(element, depth, in_array=True)
        elif isinstance(value, (dict, Map)):
            entries = value.items() if isinstance(value, dict) else value.entries
            self.tagged(0x92, len(entries))
            for key, item in entries:
                self.item(key, depth)
                self.item(item, depth)
        elif isinstance(value, (set, frozenset, Set)):
            items = value.items if isinstance(value, Set) else value
            self.tagged(0x93, len(items))
            for item in items:
                self.item(item, depth)
        elif isinstance(value, Error):
            out += bytes((0x94, value.cause is not HOLE))
            self.varint(len(value.properties))
            for text in (value.name, value.message, value.stack):
                self.string(text)
            if value.cause is not HOLE:
                self.item(value.cause, depth)
            self.properties(value.properties, depth)
        elif isinstance(value, Boxed):
            out.append(0x95)
            self.item(value.value, depth)
        elif isinstance(value, View):
            out += bytes((0x99, VIEW_TYPES.index(value.type)))
            self.varint(value.offset)
            self.varint(0 if value.length is None else value.length + 1)
            self.item(value.buffer, depth)
        elif isinstance(value, Date):
            out.append(0x8E)
            out += DOUBLE.pack(value.milliseconds)
        elif isinstance(value, RegExp):
            out.append(0x8F)
            self.text(value.flags)
            self.varint(value.last_index)
            self.string(value.source)
        elif isinstance(value, Blob):
            out.append(0x9A)
            self.text(value.type)
            self.data(value.data)
        elif isinstance(value, File):
            out.append(0x9B)
            self.text(value.type)
            out += DOUBLE.pack(value.last_modified)
            self.data(value.data)
            self.string(value.name)
        elif isinstance(value, ImageData):
            self.tagged(0x9C, value.width)
            self.varint(value.height)
            self.text(value.color_space)
            self.data(value.data)
        else:
            raise Unsendable(f"a value of type {type(value).__name__} cannot be sent: convert it to a dict, list or number")

    def properties(self, properties, depth):
        for key, item in properties.items():
            number = self.keys.get(key)
            if number is not None:
                self.varint(number)
            else:
                self.out.append(0)
                self.item(key, depth)
                self.keys_written += 1
                # Section 17 permits numbers of symbols, too; the vectors write those in full each time.
                if self.keys_written <= KEYS and isinstance(key, str) and is_well_formed(key):
                    self.keys[key] = self.keys_written
            self.item(item, depth)


class Reader:
    def __init__(self, data):
        self.bytes = memoryview(data)
        self.at = 0
        self.end = len(self.bytes)
        self.keys = [None]  # by number; 0 is none
        self.objects = []

    def u8(self):
        at = self.at
        if at >= self.end:
            raise Malformed("it ends in the middle of an item")
        self.at = at + 1
        return self.bytes[at]

    def varint(self):
        n = self.u8()
        if n < 128:
            return n
        n &= 127
        for shift in range(7, 70, 7):
            byte = self.u8()
            n |= (byte & 127) << shift
            if byte < 128:
                if not byte or n >> 64:
                    raise Malformed("a varint is not in its shortest form, or not below 2^64")
                return n
        raise Malformed("a varint is not below 2^64")

    def data(self, length):
        if length > self.end - self.at:
            raise Malformed("it ends in the middle of an item")
        self.at += length
        return self.bytes[self.at - length : self.at]

    def double(self):
        return DOUBLE.unpack(self.data(8))[0]

    def count(self, each=1, n=None):
        n = self.varint() if n is None else n
        if n * each > self.end - self.at:
            raise Malformed("a count exceeds the bytes that are left")
        return n

    def text(self, tag=None, name="text"):
        tag = self.u8() if tag is None else tag
        if 0x40 <= tag <= 0x5F:
            length = tag - 0x40
        elif tag == 0x8A:
            length = self.varint()
            if length < 32:
                raise Malformed("a string is not in its shortest form")
        else:
            raise Malformed(f"{name} is no {name}")
        try:
            return str(self.data(length), "utf-8")
        except UnicodeDecodeError:
            raise Malformed("text is not UTF-8") from None

    def string(self, tag=None):
        tag = self.u8() if tag is None else tag
        if tag != 0x8B:
            return self.text(tag, "string")
        units = bytes(self.data(2 * self.varint()))
        try:
            units.decode("utf-16-le")
        except UnicodeDecodeError:
            return units.decode("utf-16-le", "surrogatepass")
        raise Malformed("a well-formed string is written as text")

    def key(self):
        number = self.varint()
        if number:
            if number >= len(self.keys):
                raise Malformed("the number of a key is not that of one before")
            return self.keys[number]
        tag = self.u8()
        if tag in (0x8C, 0x8D):
            key = Symbol(self.text(), tag == 0x8D)
        else:
            key = self.string(tag)
        if len(self.keys) <= KEYS:
            self.keys.append(key)
        return key

    def properties(self, count, depth, into):
        for _ in range(count):
            key = self.key()
            into[key] = self.item(depth)
        return into

    def new(self, value):
        self.objects.append(value)
        return value

    def item(self, depth, in_array=False):
        tag = self.u8()
        if tag == 0x84:  # holes do not count for the depth
            if in_array:
                return HOLE
            raise Malformed("a hole stands in an array only")
        if depth > DEPTH:
            raise Malformed(f"a value is nested deeper than {DEPTH}")
        if tag < 0x40:
            return tag
        if tag < 0x60:
            return self.text(tag)
        if tag < 0x70:
            return self.array(self.count(n=tag - 0x60), depth + 1)
        if tag < 0x80:
            return self.properties(self.count(2, tag - 0x70), depth + 1, self.new({}))
        if tag > 0xA0:
            raise Malformed("there is no such tag")
        return ITEMS[tag - 0x80](self, tag, depth + 1)

    def array(self, count, depth):
        value = self.new([])
        for _ in range(count):
            value.append(self.item(depth, in_array=True))
        return value

    def constant(self, tag, depth):
        return (UNDEFINED, None, False, True)[tag - 0x80]

    def integer(self, tag, depth):
        n = self.varint()
        if not 64 <= n <= SAFE:
            raise Malformed("a number is not in its shortest form")
        return n

    def negative(self, tag, depth):
        n = self.varint()
        if n >= SAFE:
            raise Malformed("a number is not in its shortest form")
        return -n - 1

    def float(self, tag, depth):
        value = self.double()
        if value.is_integer() and abs(value) <= SAFE and (value or math.copysign(1, value) > 0):
            raise Malformed("an integer is written as one")
        return value

    def bigint(self, tag, depth):
        magnitude = self.data(self.varint())
        if magnitude and not magnitude[-1] or tag == 0x89 and not magnitude:
            raise Malformed("a bigint is not in its shortest form")
        n = int.from_bytes(magnitude, "little")
        return BigInt(-n if tag == 0x89 else n)

    def any_string(self, tag, depth):
        return self.string(tag)

    def symbol(self, tag, depth):
        return Symbol(self.text(), tag == 0x8D)

    def date(self, tag, depth):
        n = self.double()
        return self.new(Date(int(n) if abs(n) <= 8.64e15 else math.nan))

    def regexp(self, tag, depth):
        value = self.new(RegExp(""))
        value.flags, value.last_index, value.source = self.text(), self.varint(), self.string()
        if value.last_index > SAFE:
            raise Malformed("a lastIndex is at most 2^53 - 1")
        return value

    def long_array(self, tag, depth):
        count = self.count()
        if count < 16:
            raise Malformed("an array is not in its shortest form")
        return self.array(count, depth)

    def long_object(self, tag, depth):
        count = self.count(2)
        if count < 16:
            raise Malformed("an object is not in its shortest form")
        return self.properties(count, depth, self.new({}))

    def map(self, tag, depth):
        value, entries = self.new(Map([])), {}
        for _ in range(self.count(2)):
            key = self.item(depth)
            entries.setdefault(same_value(key), [key, None])[1] = self.item(depth)
        value.entries = [tuple(entry) for entry in entries.values()]
        return value

    def set(self, tag, depth):
        value, items = self.new(Set([])), {}
        for _ in range(self.count()):
            item = self.item(depth)
            items.setdefault(same_value(item), item)
        value.items = list(items.values())
        return value

    def error(self, tag, depth):
        value = self.new(Error("", ""))
        caused = self.u8()
        if caused > 1:
            raise Malformed("whether an error has a cause is 0 or 1")
        count = self.count(2)
        value.name, value.message, value.stack = self.string(), self.string(), self.string()
        if caused:
            value.cause = self.item(depth)
        self.properties(self.count(2, count), depth, value.properties)
        return value

    def boxed(self, tag, depth):
        value = self.new(Boxed(None))
        value.value = self.item(depth)
        if not isinstance(value.value, (bool, int, float, str, Symbol)):
            raise Malformed("a boxed item is a boolean, number, bigint, string or symbol")
        return value

    def buffer(self, tag, depth):
        maximum = self.varint() if tag == 0x97 else None
        length = self.varint()
        if maximum is not None and not length <= maximum <= SAFE:
            raise Malformed("a buffer is longer than its maximum, or that is above 2^53 - 1")
        return self.new(ArrayBuffer(bytearray(self.data(length)), maximum))

    def whole_bytes(self, tag, depth):
        value = self.new(bytearray(self.data(self.varint())))
        self.new(ArrayBuffer(value))
        return value

    def view(self, tag, depth):
        value = self.new(View("", 0, None, None))
        kind = self.u8()
        if kind >= len(VIEW_TYPES):
            raise Malformed("there is no such type of views")
        value.type, value.offset, length = VIEW_TYPES[kind], self.varint(), self.varint()
        size = VIEWS[value.type]
        value.buffer = buffer = self.item(depth)
        if not isinstance(buffer, ArrayBuffer):
            raise Malformed("the buffer of a view is a buffer")
        if length:
            value.length = length - 1
        elif buffer.maximum is None:
            raise Malformed("only a view of a resizable buffer follows its length")
        if value.offset % size or value.offset + (value.length or 0) * size > len(buffer.data):
            raise Malformed("a view is not aligned, or not inside of its buffer")
        return value

    def blob(self, tag, depth):
        value = self.new(Blob(self.text(), b""))
        value.data = bytes(self.data(self.varint()))
        return value

    def file(self, tag, depth):
        value = self.new(File(self.text(), self.double(), b"", ""))
        value.data, value.name = bytes(self.data(self.varint())), self.string()
        return value

    def image(self, tag, depth):
        value = self.new(ImageData(self.varint(), self.varint(), self.text(), b""))
        value.data = bytes(self.data(self.varint()))
        if max(value.width, value.height) >> 32 or len(value.data) != 4 * value.width * value.height:
            raise Malformed("an image has 4 * width * height bytes, and both are below 2^32")
        if value.color_space not in ("srgb", "display-p3"):
            raise Malformed("a colour space is srgb or display-p3")
        return value

    def owned(self, kinds):
        owner, kind = self.u8(), self.u8() if kinds else 0
        if owner > 1 or kind > kinds:
            raise Malformed("there is no such owner or kind")
        return (owner, kind) if kinds else (owner,)

    def reference(self, tag, depth):
        return Reference(*self.owned(3), self.varint())

    def shared(self, tag, depth):
        number = self.varint()
        if number >= len(self.objects):
            raise Malformed("the number of a shared object is not that of one before")
        return self.objects[number]

    def handle(self, tag, depth):
        value = Handle(*self.owned(5), self.varint(), self.item(depth))
        if value.owner == 1 and value.description is not UNDEFINED:
            raise Malformed("the description of a handle that comes home is undefined")
        return value

    def posted(self, tag, depth):
        return Posted(*self.owned(0), self.varint())


R = Reader
ITEMS = [
    R.constant, R.constant, R.constant, R.constant, None, R.integer, R.negative, R.float, R.bigint, R.bigint,
    R.any_string, R.any_string, R.symbol, R.symbol, R.date, R.regexp, R.long_array, R.long_object, R.map, R.set,
    R.error, R.boxed, R.buffer, R.buffer, R.whole_bytes, R.view, R.blob, R.file, R.image, R.reference, R.shared,
    R.handle, R.posted,
]  # fmt: skip


def is_well_formed(text):
    try:
        text.encode()
        return True
    except UnicodeEncodeError:
        return False


def same_value(value):
    """What two values have in common that are the same by SameValueZero."""
    if isinstance(value, (bool, str, Symbol, BigInt)):
        return type(value), value
    if isinstance(value, (int, float)):
        return "number", "NaN" if value != value else value
    return "object", id(value)
