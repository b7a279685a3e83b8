#!/usr/bin/env python3
"""Decodes every message of the wire protocol turbo/1, by docs/wire.md and nothing else.

It shares no code with the Rust side, so that a mistake has to be made twice before both agree on it. It needs Python 3.8
and its standard library.

    turbo_wire.py                 reads lines "KIND HEX" and answers each with one line of JSON:
                                  {"ok": MESSAGE} or {"refused": "why"}
    turbo_wire.py KIND HEX...     decodes one message, for a person
    turbo_wire.py --vectors FILE  decodes every golden vector of FILE and exits with 1 where one comes out otherwise

KIND is frame (a frame header), result, control (with its length in front), control-stream (any number of those),
frame-stream (a frame header and its payload), frames (any number of frames on one stream), results (those of one stream),
datagram (a shard, a progress report or an abandoned frame), result-stream (a result behind the head that names its frame).
"""

import json
import math
import re
import struct
import sys

MAX_SIDE = 16_384
MAX_NAME = 255
RECEPTION = ("partial", "whole", "expired", "overload", "error")
STATUS = ("ok", "expired", "superseded", "overload", "error")
IDENTITY = re.compile(r"car/[A-Za-z0-9._-]{1,64}/[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


class Refused(Exception):
    """The bytes are no message of turbo/1."""


class Cursor:
    """Takes little-endian fields from the front of some bytes."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def bytes(self, count, what):
        if len(self.data) - self.at < count:
            raise Refused(f"{what}: the message ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size, what, low=0, high=None):
        value = int.from_bytes(self.bytes(size, what), "little")
        if value < low or (high is not None and value > high):
            raise Refused(f"{what} is {value}")
        return value

    def name(self, what):
        text = self.bytes(self.number(1, what), what)
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refused(f"{what} is not UTF-8") from error

    def float(self, what):
        value = struct.unpack("<f", self.bytes(4, what))[0]
        if not math.isfinite(value):
            raise Refused(f"{what} is not finite")
        return value

    def end(self):
        if self.at != len(self.data):
            raise Refused(f"{len(self.data) - self.at} bytes too many")


def frame(data):
    """A frame header; what a later version put after its fields is skipped, and so is what follows the header."""
    take = Cursor(data)
    length = take.number(2, "header_len", 42, 256)
    if length > len(data):
        raise Refused("the frame header ends too early")
    message = {
        "service": take.number(2, "service"),
        "seq": take.number(8, "seq"),
        "budget_us": take.number(4, "budget_us", 0, 60_000_000),
        "model": take.number(2, "model"),
        "kind": take.number(1, "kind", 0, 2),
        "coding": take.number(1, "coding", 0, 2),
    }
    quality = take.number(1, "quality")
    if (message["kind"] == 0) != (message["coding"] == 0):
        raise Refused("kind 0 and coding 0 go together")
    if message["coding"] == 1 and not 1 <= quality <= 100:
        raise Refused(f"quality is {quality}")
    message["quality"] = quality if message["coding"] == 1 else 0
    flags = take.number(1, "flags")
    for side in ("width", "height", "frame_width", "frame_height"):
        message[side] = take.number(2, side, 1, MAX_SIDE)
    message["payload_len"] = take.number(4, "payload_len", 1, 50_000_000)
    if message["kind"] == 0 and message["payload_len"] != 3 * message["width"] * message["height"]:
        raise Refused("a raw input is not 3 × width × height bytes")
    message["sent_ns"] = take.number(8, "sent_ns")
    message["follows"] = bool(flags & 1)
    message["probe"] = bool(flags & 2)
    return message


def frame_stream(data):
    """All that a car sends on a frame's stream: the header and exactly its payload."""
    message = frame(data)
    have = len(data) - int.from_bytes(data[:2], "little")
    if have != message["payload_len"]:
        raise Refused(f"{have} bytes of a payload of {message['payload_len']}")
    return message


def frames(data):
    """All that a car sends on a stream of several frames: each but the last says that another may follow."""
    messages = []
    while True:
        message = frame(data)
        end = int.from_bytes(data[:2], "little") + message["payload_len"]
        if end > len(data):
            raise Refused("the payload ends too early")
        messages.append(message)
        data = data[end:]
        if not data:
            return messages
        if not message["follows"]:
            raise Refused(f"{len(data)} bytes after the last frame")


def result(data):
    """A whole result, to the end of its stream."""
    take = Cursor(data)
    message = one_result(take)
    take.end()
    return message


def results(data):
    """The results of a stream of several frames."""
    take = Cursor(data)
    messages = []
    while take.at < len(data):
        messages.append(one_result(take))
    return messages


def one_result(take):
    """The next result."""
    begin = take.at
    length = take.number(2, "header_len", 76, 256)
    status = take.number(1, "status", 0, len(STATUS) - 1)
    count = take.number(1, "detections", 0, 64)
    message = {"status": STATUS[status], "seq": take.number(8, "seq")}
    for stage in ("receive_us", "queue_us", "prepare_us", "inference_us", "finish_us", "train_bytes"):
        message[stage] = take.number(4, stage)
    for field in ("train_bytes_per_s", "car_sent_ns", "header_received_ns", "last_received_ns", "result_sent_ns"):
        message[field] = take.number(8, field)
    take.bytes(length - (take.at - begin), "fields of a later version")
    message["boxes"] = []
    for _ in range(count):
        box = {field: take.float(field) for field in ("x_min", "y_min", "x_max", "y_max", "score")}
        box["class"] = take.number(1, "class")
        take.bytes(3, "reserved")
        message["boxes"].append(box)
    return message


def menu(take):
    models = []
    for _ in range(take.number(2, "models", 0, 64)):
        model = {"name": take.name("model name")}
        for side in ("input_width", "input_height"):
            model[side] = take.number(2, side, 1, MAX_SIDE)
        for time in ("p50_us", "p95_us"):
            model[time] = take.number(4, time)
        model["workers"] = take.number(2, "workers")
        model["classes"] = [take.name("class name") for _ in range(take.number(2, "classes", 0, 256))]
        models.append(model)
    return models


def one_control(take):
    """The next control message of a stream of them."""
    take = Cursor(take.bytes(take.number(4, "length", 1, 65_536), "control message"))
    kind = take.number(1, "type", 1, 5)
    if kind == 1:
        message = {"type": "hello", "version": take.number(2, "version"), "identity": take.name("identity")}
        if not IDENTITY.fullmatch(message["identity"]):
            raise Refused(f"{message['identity']!r} is no identity")
        message["process"] = take.number(8, "process")
    elif kind == 3:
        message = {"type": "refused", "reason": take.name("reason")}
    elif kind == 5:
        message = {"type": "ping"}
    else:
        message = {"type": "accepted" if kind == 2 else "menu", "models": menu(take)}
    take.end()
    return message


def control(data):
    """One whole control message with its length in front."""
    take = Cursor(data)
    message = one_control(take)
    take.end()
    return message


def control_stream(data):
    """One direction of a control stream: whole messages one after another."""
    take = Cursor(data)
    messages = []
    while take.at < len(data):
        messages.append(one_control(take))
    return messages


def head(take, size, kind):
    """The fixed fields of `kind`, and behind them what a later version may have added to its head."""
    if len(take.data) < size:
        raise Refused(f"{kind}: the head ends too early")
    return take.number(1, "header_len", size, 64)


def layout(message):
    """Checks that the object can be cut as the shard says, and answers how many bytes each shard has."""
    object_bytes, data = message["object_bytes"], message["data_shards"]
    if not 1 <= object_bytes <= 50_000_000 + 256:
        raise Refused(f"object_bytes is {object_bytes}")
    if not 1 <= data <= 4_096:
        raise Refused(f"data_shards is {data}")
    if not data <= message["total_shards"] <= 2 * data + 8:
        raise Refused(f"total_shards is {message['total_shards']}")
    size = -(-object_bytes // data)
    size += size % 2
    if data > 1 and not (256 <= size <= 65_535 and (data - 1) * size < object_bytes):
        raise Refused(f"{object_bytes} bytes are not cut into {data} shards")
    return size


def shard(take):
    length = head(take, 20, "shard")
    message = {"type": "shard", "index": take.number(2, "index"), "frame": take.number(4, "frame")}
    for field in ("data_shards", "total_shards"):
        message[field] = take.number(2, field)
    message["object_bytes"] = take.number(4, "object_bytes")
    message["budget_us"] = take.number(4, "budget_us", 0, 60_000_000)
    take.bytes(length - take.at, "fields of a later version")
    size = layout(message)
    if message["index"] >= message["total_shards"]:
        raise Refused(f"index is {message['index']}")
    if message["index"] < message["data_shards"]:
        size = min(size, message["object_bytes"] - message["index"] * size)
    message["body"] = take.bytes(size, "body").hex()
    return message


def progress(take):
    length = head(take, 16, "progress")
    message = {"type": "progress", "state": RECEPTION[take.number(1, "state", 0, len(RECEPTION) - 1)]}
    count = take.number(1, "ranges", 0, 32)
    message["frame"] = take.number(4, "frame")
    for field in ("needed", "received", "highest", "reserved"):
        message[field] = take.number(2, field)
    del message["reserved"]
    take.bytes(length - take.at, "fields of a later version")
    message["missing"] = []
    least = 0
    for _ in range(count):
        first = take.number(2, "first", least)
        least = first + take.number(2, "count", 1, 65_535 - first)
        message["missing"].append([first, least - first])
    return message


def abandon(take):
    length = head(take, 8, "abandon")
    take.number(2, "reserved")
    message = {"type": "abandon", "frame": take.number(4, "frame")}
    take.bytes(length - take.at, "fields of a later version")
    return message


def datagram(data):
    """One whole datagram."""
    take = Cursor(data)
    message = (shard, progress, abandon)[take.number(1, "kind", 1, 3) - 1](take)
    take.end()
    return message


def result_stream(data):
    """All that comes on the stream of a result whose frame came in datagrams."""
    take = Cursor(data)
    length = take.number(2, "header_len", 8, 64)
    take.number(2, "reserved")
    frame_number = take.number(4, "frame")
    take.bytes(length - take.at, "fields of a later version")
    return {"frame": frame_number, "result": result(data[take.at :])}


DECODERS = {
    "datagram": datagram,
    "result-stream": result_stream,
    "frame": frame,
    "frame-stream": frame_stream,
    "frames": frames,
    "result": result,
    "results": results,
    "control": control,
    "control-stream": control_stream,
}


def answer(kind, hex_digits):
    try:
        return {"ok": DECODERS[kind](bytes.fromhex(hex_digits))}
    except Refused as refused:
        return {"refused": str(refused)}


def check(vectors):
    wrong = 0
    for vector in vectors:
        seen = answer(vector["kind"], vector["hex"])
        if ("refused" in seen) if "refused" in vector else (seen.get("ok") == vector["message"]):
            continue
        wrong += 1
        print(f"{vector['name']}: {json.dumps(seen)}")
    print(f"{len(vectors)} vectors, {wrong} decoded otherwise than written down")
    return wrong


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--vectors":
        with open(sys.argv[2], encoding="utf-8") as file:
            sys.exit(1 if check(json.load(file)) else 0)
    if len(sys.argv) > 2:
        print(json.dumps(answer(sys.argv[1], "".join(sys.argv[2:])), indent=2, ensure_ascii=False))
        return
    for line in sys.stdin:
        kind, _, hex_digits = line.rstrip("\n").partition(" ")
        print(json.dumps(answer(kind, hex_digits)), flush=True)


if __name__ == "__main__":
    main()
