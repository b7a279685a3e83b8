"""ZeroMQ REQ/REP of 8 bytes between two processes: hop_zmq.py serve ADDRESS | call ADDRESS WARM_UP CALLS FILE."""

import array
import struct
import sys
import time

import zmq

MESSAGE = struct.Struct("=Q")
STOP = 2**64 - 1


def serve(address):
    socket = zmq.Context().socket(zmq.REP)
    socket.bind(address)
    print("ready", flush=True)
    while True:
        (message,) = MESSAGE.unpack(socket.recv())
        socket.send(MESSAGE.pack((message + 1) % 2**64))
        if message == STOP:
            return


def call(address, warm_up, calls, file):
    socket = zmq.Context().socket(zmq.REQ)
    socket.connect(address)
    message = 0

    def once(message):
        socket.send(MESSAGE.pack(message))
        (answer,) = MESSAGE.unpack(socket.recv())
        if answer != message + 1:
            raise SystemExit(f"the answer to {message} was {answer}")
        return answer

    for _ in range(warm_up):
        message = once(message)
    samples = array.array("I", bytes(4 * calls))
    clock = time.perf_counter_ns
    for index in range(calls):
        start = clock()
        message = once(message)
        samples[index] = min(clock() - start, 2**32 - 1)
    socket.send(MESSAGE.pack(STOP))
    socket.recv()
    with open(file, "wb") as out:
        samples.tofile(out)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        call(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
