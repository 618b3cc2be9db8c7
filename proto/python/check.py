"""Checks this implementation with the vectors: proto/vectors, section 22 of proto/SPEC.md."""

import json
import sys
from pathlib import Path

import session as proto
import shared
import values
from notation import FromNotation, ToNotation, same_form
from session import HEADER, Limits, Message, Session

VECTORS = Path(__file__).parent.parent / "vectors"
KINDS = "hello welcome ready call return throw notify cancel interrupt release more close".split()
FORMATS = ["bytes", "typed", "value", "text"]


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, actual, expected):
        if actual == expected:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {name}\n  expected {str(expected)[:400]}\n  found    {str(actual)[:400]}")

    def run(self, name, test):
        try:
            test()
        except Exception as error:
            self.check(name, f"{type(error).__name__}: {error}", "no exception")


def check_values(tally):
    cases = read("values.json")
    for case in cases["valid"] + cases["readable"]:
        value = values.loads(bytes.fromhex(case["bytes"]))
        tally.check(f"reads {case['name']}", ToNotation().value(value), same_form(case["value"]))
    for case in cases["valid"]:
        written = values.dumps(FromNotation().value(case["value"])).hex()
        tally.check(f"writes {case['name']}", written, case["bytes"])
    for case in cases["invalid"]:
        try:
            found = repr(values.loads(bytes.fromhex(case["bytes"])))
        except values.Malformed:
            found = "malformed"
        tally.check(f"refuses {case['name']}", found, "malformed")


# Frames: they are read by a session in the state of the case.


def limits_of(about):
    return Limits(about["maxFrame"], int(about["maxMessage"]), about["maxPending"], about["maxDepth"])


def end_of(case):
    """A worker in the state of a case."""
    end = Session(limits=limits_of(case["limits"]))
    if case["state"] == "open":
        send_all(end)
        end.receive(HEADER.pack(proto.WELCOME, 0, 0, 0, 0, 0, 0) + proto.HANDSHAKE.pack(b"coin", 1, 0, 0, *Limits(), 0))
    for call in case.get("calls", ()):
        end.last_id = call["id"] - 2
        end.call("f", b"", proto.BYTES)
        if call["sent"]:
            send_all(end)
    for frame in case["before"]:
        end.receive(bytes.fromhex(frame))
    return end


def send_all(end):
    frames = []
    while frame := end.next_frame():
        frames.append(b"".join(bytes(part) for part in frame).hex())
        end.sent()
    return frames


def happened(end):
    events = [event_of(event) for event in end.events]
    end.events.clear()
    return events


def event_of(event):
    name, *about = event
    if name in ("call", "notify"):
        message = about[0]
        found = {"event": name, "name": message.name}
        if name == "call":
            found |= {"id": message.id, "within": message.parent}
        return found | body_of(message)
    if name == "ended":
        id, outcome, answer = about
        found = {"event": name, "id": id, "outcome": outcome}
        if outcome == "threw":
            found["code"] = answer.code
        return found | (body_of(answer) if answer else {})
    if name == "cancelled":
        return {"event": name, "id": about[0]}
    if name == "released":
        return {"event": name, "references": [str(id) for id in about[0]]}
    if name == "closed":
        found = dict(zip(("by", "reason", "text", "violation"), about))
        return {"event": name} | {key: item for key, item in found.items() if item is not None}
    return {"event": name}


def body_of(message):
    return {"format": FORMATS[message.format], "payload": bytes(message.body).hex()}


def check_frames(tally):
    cases = read("frames.json")
    for case in cases["valid"]:
        data, fields = bytes.fromhex(case["bytes"]), case["fields"]
        tally.check(f"reads {case['name']}", fields_of(data), fields)
        tally.check(f"writes {case['name']}", frame_of(fields).hex(), case["bytes"])
    for case in cases["readable"] + cases["invalid"]:
        if case["role"] == "main":
            continue
        end = end_of(case)
        happened(end)
        end.receive(bytes.fromhex(case["bytes"]))
        if "as" in case:
            other = end_of(case)
            happened(other)
            other.receive(bytes.fromhex(case["as"]))
            found, expected = (happened(end), send_all(end)), (happened(other), send_all(other))
        else:
            closed = [event for event in happened(end) if event["event"] == "closed"]
            found, expected = [event.get("violation") for event in closed], [case["violation"]]
        tally.check(f"receives {case['name']}", found, expected)


def fields_of(frame):
    kind, flags, code, id, parent, length, _ = HEADER.unpack_from(frame)
    rest = frame[HEADER.size + length :]
    fields = {
        "kind": KINDS[kind - 1], "more": bool(flags & proto.F_MORE), "format": FORMATS[flags >> 1 & 3], "code": code,
        "id": id, "parent": parent, "name": str(frame[HEADER.size : HEADER.size + length], "utf-8"),
    }  # fmt: skip
    if flags & proto.F_BLOCKS:
        fields["blocks"] = True
    if fields["more"] and kind != proto.MORE:
        fields["total"] = str(proto.U64.unpack_from(rest)[0])
        rest = rest[8:]
    if flags & proto.F_SEGMENTS:
        body = proto.skip_segments(rest, int(fields.get("total", len(rest))))
        table = rest[4 : len(rest) - len(body)]
        fields["segments"] = [[str(a), str(b)] for a, b in proto.SEGMENT.iter_unpack(table)]
        rest = body
    if kind in (proto.HELLO, proto.WELCOME):
        _, major, minor, features, *limits, _ = proto.HANDSHAKE.unpack(rest)
        limits[1] = str(limits[1])
        names = ("maxFrame", "maxMessage", "maxPending", "maxDepth")
        fields["handshake"] = {"major": major, "minor": minor, "features": features} | dict(zip(names, limits))
    elif kind == proto.READY and not fields["more"]:
        fields["exports"] = exports_in(rest)
    elif kind == proto.RELEASE and not fields["more"]:
        fields["references"] = [str(id) for (id,) in proto.U64.iter_unpack(rest)]
    elif kind == proto.CLOSE:
        fields["text"] = str(rest, "utf-8")
    else:
        fields["body"] = rest.hex()
    return fields


def exports_in(body):
    names = []
    while body:
        end = 2 + int.from_bytes(body[:2], "little")
        names.append(str(body[2:end], "utf-8"))
        body = body[end:]
    return names


def frame_of(fields):
    kind = KINDS.index(fields["kind"]) + 1
    if "handshake" in fields:
        about = fields["handshake"]
        head = (about["major"], about["minor"], about["features"])
        body = proto.HANDSHAKE.pack(b"coin", *head, *limits_of(about), 0)
    elif "exports" in fields:
        names = [name.encode() for name in fields["exports"]]
        body = b"".join(len(name).to_bytes(2, "little") + name for name in names)
    elif "references" in fields:
        body = b"".join(proto.U64.pack(int(id)) for id in fields["references"])
    else:
        body = fields["text"].encode() if "text" in fields else bytes.fromhex(fields["body"])
    name = fields["name"].encode()
    flags = proto.F_BLOCKS if fields.get("blocks") else 0
    segments = [(int(a), int(b)) for a, b in fields.get("segments", ())]
    format = FORMATS.index(fields["format"])
    message = Message(kind, format, fields["code"], fields["id"], fields["parent"], name, body, flags, segments)
    limit = 1 << 20
    if kind == proto.MORE and fields["more"]:
        message.at, message.body, limit = 0, memoryview(body + b"-"), HEADER.size + len(body)
    elif kind == proto.MORE:
        message.at = 0
    head, part = message.frame(limit)
    if fields["more"] and kind != proto.MORE:
        # Of the rest of the body, a vector has the length only.
        at = HEADER.size + len(name)
        head = bytes((head[0], head[1] | proto.F_MORE)) + head[2:at] + proto.U64.pack(int(fields["total"])) + head[at:]
    return head + bytes(part)


# Sessions: the worker is played, and main's frames are those of the trace.


def payload_of(step):
    payload = step["payload"]
    if isinstance(payload, int):
        return bytes(i % 251 for i in range(payload))
    return bytes.fromhex(payload)


def check_sessions(tally):
    for trace in read("sessions.json")["traces"]:
        if "worker" in trace:
            tally.run(trace["name"], lambda trace=trace: play(tally, trace))


def play(tally, trace):
    about = trace["worker"]
    end = Session(about["name"], limits_of(about), trace["maxFrame"])
    from_main, found, expected = [], [], []
    happens = []
    for step in trace["steps"]:
        if step["end"] == "main":
            if "sends" in step:
                from_main.append(step["sends"])
        elif "do" in step:
            refused = None
            try:
                perform(end, step)
            except proto.Refused as refusal:
                refused = refusal.name
            found.append(refused)
            expected.append(step.get("refused"))
        elif "sends" in step:
            frame = end.next_frame()
            frame = frame and b"".join(bytes(part) for part in frame).hex()
            if frame:
                end.sent()
            if step.get("text"):
                found.append(frame and frame[: 2 * HEADER.size])
                expected.append(step["sends"][: 2 * HEADER.size])
            else:
                found.append(frame)
                expected.append(step["sends"])
        elif "blocked" in step:
            found.append(end.next_frame() is not None)
            expected.append(True)
        elif "receives" in step:
            end.receive(bytes.fromhex(from_main.pop(0)))
        elif "handed" in step:
            end.receive(bytes.fromhex(step["handed"]))
        elif "event" in step:
            happens.append({key: item for key, item in step.items() if key != "end"})
        elif "idle" in step:
            found.append(end.next_frame())
            expected.append(None)
    events = happened(end)
    found.append(len(events))
    expected.append(len(happens))
    for event, wanted in zip(events, happens):
        if "payload" in wanted:
            wanted["payload"] = payload_of(wanted).hex()
        if wanted.get("text") is True:
            for name in ("text", "payload"):
                wanted.pop(name, None)
                event.pop(name, None)
        if "within" in event and "within" not in wanted:
            event.pop("within")
        found.append(event)
        expected.append(wanted)
    found.append(end.next_frame())
    expected.append(None)
    tally.check(trace["name"], found, expected)


def perform(end, step):
    operation = step["do"]
    payload = payload_of(step) if "payload" in step else b""
    format = FORMATS.index(step["format"]) if "format" in step else 0
    segments = [(int(a), int(b)) for a, b in step.get("segments", ())]
    if operation == "call":
        before = end.last_id
        if "id" in step:
            end.last_id = step["id"] - 2
        try:
            deadline, blocks = step.get("deadline"), step.get("blocks", False)
            end.call(step["name"], payload, format, step.get("parent", 0), deadline, blocks, segments)
        except proto.Refused:
            end.last_id = before
            raise
    elif operation == "notify":
        end.notify(step["name"], payload, format, segments)
    elif operation in ("return", "throw"):
        end.answer(step["id"], payload, format, step.get("code", 0), segments)
    elif operation in ("cancel", "interrupt-call"):
        end.cancel(step["id"], "interrupted" if operation == "interrupt-call" else "cancelled")
    elif operation == "release":
        end.release([int(id) for id in step["references"]])
    elif operation == "ready":
        end.ready(step["exports"])
    elif operation == "close":
        end.close(step["reason"], step["text"])
    elif operation == "abort":
        end.abort(step["reason"], step["text"])
    elif operation == "time":
        end.pass_time(step["now"])
    elif operation == "gone":
        end.gone()
    else:
        raise AssertionError(f"unknown operation {operation}")


# Rings.


def memory_of(pieces, length):
    memory = bytearray(length)
    for offset, data in pieces:
        memory[offset : offset + len(data) // 2] = bytes.fromhex(data)
    return memory


def ring(kind, case, memory):
    """An end of a ring whose records are followed by its head."""
    about = case["ring"]
    capacity = about["capacity"]
    buffer = memory + bytes(64)
    atomics = shared.Atomics(buffer)
    atomics.store(capacity, about["head"])
    positions = (about["head"],) if kind is shared.Consumer else (about["head"], about["tail"])
    return kind(atomics, memoryview(buffer), 0, capacity, capacity, *positions), buffer


def consume(case):
    memory = memory_of(case["memory"], case["ring"]["capacity"])
    consumer, _ = ring(shared.Consumer, case, memory)
    records, reports, broken = [], 0, False
    try:
        while (frame := consumer.receive()) is not None:
            records.append(frame.hex())
            reports += consumer.reports_room()
    except shared.Broken:
        broken = True
    return records, {"head": consumer.head, "reports": reports}, broken


def check_rings(tally):
    cases = read("rings.json")
    for valid in (True, False):
        for case in cases["links"]["valid" if valid else "invalid"]:
            control = memory_of(case["memory"], 4096)
            try:
                found = shared.capacities(control, case["length"])
            except shared.Broken:
                found = None
            tally.check(f"takes over {case['name']}", found, (case["up"], case["down"]) if valid else None)
        for case in cases["heads"]["valid" if valid else "invalid"]:
            producer, _ = ring(shared.Producer, case, bytearray(case["ring"]["capacity"]))
            producer.atomics.store(producer.head_at, case["loaded"])
            try:
                producer.load_head()
                fits = [n for n in range(1, producer.longest + 1) if producer.has_room(n)]
                found = fits[-1] if fits else 0
            except shared.Broken:
                found = None
            tally.check(f"loads the head: {case['name']}", found, case["longest"] if valid else None)
    for case in cases["valid"]:
        tally.check(f"consumes {case['name']}", consume(case), (case["records"], case["after"], False))
        if case.get("unfinished"):
            continue
        capacity = case["ring"]["capacity"]
        memory = memory_of(case.get("before", ()), capacity)
        at_head = case | {"ring": case["ring"] | {"tail": case["ring"]["head"]}}
        producer, buffer = ring(shared.Producer, at_head, memory)
        sent = [producer.send(bytes.fromhex(record)) for record in case["records"]]
        tally.check(f"produces {case['name']}", (all(sent), producer.tail), (True, case["ring"]["tail"]))
        expected = memory_of(case["memory"], capacity)
        tally.check(f"the memory of {case['name']}", bytes(buffer[:capacity]), bytes(expected))
    for case in cases["invalid"]:
        tally.check(f"refuses {case['name']}", consume(case), (case["records"], case["after"], True))


def read(name):
    with open(VECTORS / name, encoding="utf-8") as file:
        return json.load(file)


def main():
    sys.setrecursionlimit(10_000)
    tally = Tally()
    for check in (check_values, check_frames, check_sessions, check_rings):
        tally.run(check.__name__, lambda check=check: check(tally))
    tally.check("something was checked", tally.passed > 0, True)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return tally.failed != 0


if __name__ == "__main__":
    sys.exit(main())
