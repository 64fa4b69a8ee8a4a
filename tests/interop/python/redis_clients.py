"""redis-py in RESP3 and RESP2, with asyncio and pipelines, and valkey-py: calls, errors, names, the state of the server.

Usage: redis_clients.py PORT
"""

import asyncio
import sys

import redis
import redis.asyncio
import valkey

port = int(sys.argv[1])
for protocol in (3, 2):
    client = redis.Redis(port=port, protocol=protocol, client_name="me", decode_responses=True)
    assert client.ping()
    assert client.execute_command("Arith.Multiply", 7, 8) == 56
    assert client.execute_command("CALL", "Arith.Multiply", '{"A":7,"B":8}') == 56
    pipeline = client.pipeline(transaction=False)
    for n in range(10_000):
        pipeline.execute_command("Arith.Multiply", n, 2)
    assert pipeline.execute() == [2 * n for n in range(10_000)]
    try:
        client.execute_command("Arith.Divide", 1, 0)
        raise AssertionError("divided by zero")
    except redis.ResponseError as error:
        assert "divide by zero" in str(error), error
    assert client.client_getname() == "me"
    assert client.info()["loading"] == 0
    quotient = client.execute_command("Arith.Divide", 7, 2)
    assert len(quotient) == (2 if protocol == 3 else 4), quotient
    client.close()


async def concurrent():
    client = redis.asyncio.Redis(port=port)
    products = await asyncio.gather(*(client.execute_command("Arith.Multiply", n, 2) for n in range(100)))
    assert products == [2 * n for n in range(100)]
    await client.aclose()


asyncio.run(concurrent())
other = valkey.Valkey(port=port)
assert other.ping() and other.execute_command("Arith.Multiply", 7, 8) == 56
