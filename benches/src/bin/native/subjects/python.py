"""The worker of the subject `python`: measures calls as `measure.rs` does, and prints the samples as JSON."""

import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[5] / "proto" / "python"))

from worker import Worker

WARM_UPS, MOST = 5, 50_000
LIMIT = 30  # seconds after which the system ends this process


def seconds(duration):
    return duration["secs"] + duration["nanos"] / 1e9


def measure(plan, call):
    """The nanoseconds of each call."""
    start, done = time.perf_counter(), 0
    while done < WARM_UPS or time.perf_counter() - start < seconds(plan["warm_up"]):
        call()
        done += 1
    pause, batch = plan["pause"] and seconds(plan["pause"]), seconds(plan["batch"]) * 1e9
    samples, begun = [], time.perf_counter_ns()
    last = begun
    while len(samples) < plan["min_samples"] or last - begun < batch and len(samples) < MOST:
        if pause:
            time.sleep(pause)
            last = time.perf_counter_ns()
        call()
        now = time.perf_counter_ns()
        samples.append(now - last)
        last = now
    return samples


def call_of(worker, case):
    """A call of this case, whose answer is checked."""
    if case["call"] == "Increment":
        number = 0

        def increment():
            nonlocal number
            number += 1
            assert worker.call("increment", number - 1) == number, "the answer is not the next number"

        return increment
    size, calls = case["call"]["Echo"]["bytes"], 0
    payload = (bytearray(range(256)) * (size // 256 + 1))[:size]

    def echo():
        nonlocal calls
        calls = (calls + 1) % 256
        if payload:
            payload[0], payload[-1] = calls, 255 - calls
        answer = worker.call("echo", payload)
        assert len(answer) == len(payload) and answer[-1:] == payload[-1:], "the answer is not what was sent"

    return echo


def main(case, plan, core):
    signal.alarm(LIMIT)
    if core is not None:
        os.sched_setaffinity(0, {core})
    with Worker() as worker:
        samples = measure(plan, call_of(worker, case))
        print(json.dumps({"samples": samples}), flush=True)
        worker.serve()


if __name__ == "__main__":
    main(*map(json.loads, sys.argv[1:]))
