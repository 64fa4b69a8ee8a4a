"""Calls the standard health service by gRPC, as Python's own gRPC does, on the port that serves everything else.

Usage: grpc_client.py HOST:PORT
Prints one line per case, `ok NAME` or `FAIL NAME: reason`, and exits with 1 if any failed.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cases import case, equal, main

LIMIT = 20
SERVING = health_pb2.HealthCheckResponse.SERVING


def check(channel, service):
    stub = health_pb2_grpc.HealthStub(channel)
    return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=LIMIT).status


def status_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@case
def serving(channel):
    equal(check(channel, "Echo"), SERVING)


@case
def service_never_reported(channel):
    equal(status_of(lambda: check(channel, "Unknown")), grpc.StatusCode.NOT_FOUND)


@case
def unknown_method(channel):
    call = channel.unary_unary("/grpc.health.v1.Health/Nope")
    equal(status_of(lambda: call(b"", timeout=LIMIT)), grpc.StatusCode.UNIMPLEMENTED)


@case
def stream(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="Echo"), timeout=LIMIT)
    equal(next(watch).status, SERVING)
    watch.cancel()


@case
def many_at_a_time(channel):
    with ThreadPoolExecutor(32) as pool:
        equal(list(pool.map(lambda _: check(channel, "Echo"), range(500))), [SERVING] * 500)


@case
def large_request(channel):
    equal(status_of(lambda: check(channel, "x" * 1_000_000)), grpc.StatusCode.NOT_FOUND)


if __name__ == "__main__":
    with grpc.insecure_channel(sys.argv[1]) as connected:
        grpc.channel_ready_future(connected).result(LIMIT)
        main(connected)
