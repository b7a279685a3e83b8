"""The prototype's pattern: pickle a frame into a 50 MB shared memory, send its size by ZeroMQ REQ/REP, wait for the ACK.

frame_prototype.py serve ADDRESS BYTES | call ADDRESS BYTES WARM_UP CALLS FILE

As between the prototype's client and its transport there is a region and a pair of sockets for each direction, and who
sends a payload is the one who asks (REQ); ADDRESS is a folder in shared memory that holds both.
"""

import array
import mmap
import os
import pickle
import struct
import sys
import time

import numpy
import zmq

# 50 MiB rather than 50 MB, so that a payload of 50,000,000 bytes fits together with what pickle adds to it.
REGION_BYTES = 50 * 1024 * 1024
MARK = struct.Struct("=Q")
STOP = 2**64 - 1


def region(folder, name):
    file = os.open(f"{folder}/{name}", os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(file, REGION_BYTES)
    return mmap.mmap(file, REGION_BYTES)


class Outgoing:
    def __init__(self, context, folder, name):
        self.memory = region(folder, f"{name}-shm")
        self.socket = context.socket(zmq.REQ)
        self.socket.connect(f"ipc://{folder}/{name}")

    def send(self, image, number):
        MARK.pack_into(image, 0, number)
        MARK.pack_into(image, image.nbytes - 8, number)
        payload = pickle.dumps({"image": image, "sequence": number}, protocol=pickle.HIGHEST_PROTOCOL)
        self.memory[: len(payload)] = payload
        self.socket.send_string(str(len(payload)))
        if self.socket.recv() != b"ACK":
            raise SystemExit("no ACK")


class Incoming:
    def __init__(self, context, folder, name, size):
        self.memory = region(folder, f"{name}-shm")
        self.view = memoryview(self.memory)
        self.size = size
        self.socket = context.socket(zmq.REP)
        self.socket.bind(f"ipc://{folder}/{name}")

    def receive(self):
        length = int(self.socket.recv_string())
        request = pickle.loads(self.view[:length])
        self.socket.send(b"ACK")
        image = request["image"]
        (first,), (last,) = MARK.unpack_from(image, 0), MARK.unpack_from(image, image.nbytes - 8)
        if not first == last == request["sequence"] or image.nbytes != self.size:
            raise SystemExit(f"a frame of {image.nbytes} bytes arrived with the marks {first} and {last}")
        return first


def serve(folder, size):
    context = zmq.Context()
    incoming = Incoming(context, folder, "outgoing", size)
    outgoing = Outgoing(context, folder, "incoming")
    image = numpy.ones(size, dtype=numpy.uint8)
    print("ready", flush=True)
    while True:
        number = incoming.receive()
        outgoing.send(image, (number + 1) % 2**64)
        if number == STOP:
            return


def call(folder, size, warm_up, calls, file):
    context = zmq.Context()
    incoming = Incoming(context, folder, "incoming", size)
    outgoing = Outgoing(context, folder, "outgoing")
    image = numpy.ones(size, dtype=numpy.uint8)

    def once(number):
        outgoing.send(image, number)
        answer = incoming.receive()
        if answer != (number + 1) % 2**64:
            raise SystemExit(f"the answer to {number} was {answer}")
        return answer

    number = 0
    for _ in range(warm_up):
        number = once(number)
    samples = array.array("I", bytes(4 * calls))
    clock = time.perf_counter_ns
    for index in range(calls):
        start = clock()
        number = once(number)
        samples[index] = min(clock() - start, 2**32 - 1)
    once(STOP)
    with open(file, "wb") as out:
        samples.tofile(out)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        call(sys.argv[2], *(int(word) for word in sys.argv[3:6]), sys.argv[6])
