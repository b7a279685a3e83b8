"""gRPC unary calls of 8 bytes over a UNIX socket: hop_grpc.py serve ADDRESS | call ADDRESS WARM_UP CALLS FILE.

The method is the FlashCam measurement's trivial.ipc.RPCService/UnaryCall; its fixed64 is packed by hand, so that no
protocol compiler is needed.
"""

import array
import concurrent.futures
import struct
import sys
import threading
import time

import grpc

# A fixed64 as field 1, as protobuf writes it: tag (1 << 3 | 1), eight bytes. proto3 leaves a zero out.
FIELD = struct.Struct("<BQ")
STOP = 2**64 - 1
METHOD = "/trivial.ipc.RPCService/UnaryCall"


def write(number):
    return FIELD.pack(9, number) if number else b""


def read(data):
    return FIELD.unpack(data)[1] if data else 0


def serve(address):
    stopped = threading.Event()

    def unary_call(message, _context):
        if message == STOP:
            stopped.set()
        return (message + 1) % 2**64

    handler = grpc.unary_unary_rpc_method_handler(unary_call, request_deserializer=read, response_serializer=write)
    service = grpc.method_handlers_generic_handler("trivial.ipc.RPCService", {"UnaryCall": handler})
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=1), handlers=(service,))
    server.add_insecure_port(address)
    server.start()
    print("ready", flush=True)
    stopped.wait()
    server.stop(grace=5).wait()


def call(address, warm_up, calls, file):
    channel = grpc.insecure_channel(address)
    unary_call = channel.unary_unary(METHOD, request_serializer=write, response_deserializer=read)
    message = 0

    def once(message):
        answer = unary_call(message)
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
    unary_call(STOP)
    channel.close()
    with open(file, "wb") as out:
        samples.tofile(out)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        call(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
