"""The peer of dispatch: the same chain and the same no-ops as durable steps and queued workflows of DBOS, on
the same Postgres. A step runs in the process that orchestrates; there is no worker and no runner between.

    dbos_chain.py CONNECTION LENGTH RUNS NOOPS     prints JSON
"""
import json
import sys
import time

from dbos import DBOS


def fibo(n):
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


@DBOS.step()
def step(n):
    return fibo(n)


@DBOS.workflow()
def chain(length):
    for _ in range(length):
        step(10)


@DBOS.workflow()
def noop():
    pass


def main():
    connection, length, runs, noops = sys.argv[1], *map(int, sys.argv[2:])
    DBOS(config={"name": "bench", "system_database_url": connection, "run_admin_server": False, "log_level": "WARNING"})
    DBOS.launch()
    queue = DBOS.register_queue("noops", polling_interval_sec=0.05)
    chain(length)
    each = []
    for _ in range(runs):
        began = time.monotonic()
        chain(length)
        each.append((time.monotonic() - began) * 1_000 / length)
    began = time.monotonic()
    handles = [queue.enqueue(noop) for _ in range(noops)]
    for handle in handles:
        handle.get_result()
    print(json.dumps({"chain": each, "noops": noops / (time.monotonic() - began)}))
    DBOS.destroy()


if __name__ == "__main__":
    main()
