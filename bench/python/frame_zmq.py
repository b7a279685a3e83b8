"""ZeroMQ REQ/REP of a frame: frame_zmq.py serve ADDRESS BYTES | call ADDRESS BYTES WARM_UP CALLS FILE."""

import array
import struct
import sys
import time

import zmq

MARK = struct.Struct("=Q")
STOP = 2**64 - 1


def mark(frame, number):
    MARK.pack_into(frame, 0, number)
    MARK.pack_into(frame, len(frame) - 8, number)


def read(frame, size):
    (first,), (last,) = MARK.unpack_from(frame, 0), MARK.unpack_from(frame, len(frame) - 8)
    if first != last or len(frame) != size:
        raise SystemExit(f"a frame of {len(frame)} bytes arrived with the marks {first} and {last}")
    return first


def serve(address, size):
    socket = zmq.Context().socket(zmq.REP)
    socket.bind(address)
    frame = bytearray(size)
    print("ready", flush=True)
    while True:
        number = read(socket.recv(copy=False).buffer, size)
        mark(frame, (number + 1) % 2**64)
        socket.send(frame, copy=False)
        if number == STOP:
            return


def call(address, size, warm_up, calls, file):
    socket = zmq.Context().socket(zmq.REQ)
    socket.connect(address)
    frame = bytearray(size)

    def once(number):
        mark(frame, number)
        socket.send(frame, copy=False)
        answer = read(socket.recv(copy=False).buffer, size)
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
