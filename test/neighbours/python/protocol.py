"""What both programs share: a line of JSON in, a line of JSON out (node/protocol.mjs says which)."""

import json
import resource
import sys
import threading
import time
import traceback


class NoWay(Exception):
    """This client has no option for such a file."""


def serve(create):
    clients = {}
    for line in sys.stdin:
        op = json.loads(line)
        try:
            if op["op"] == "client":
                clients[op["id"]] = create(op)
                answer = {}
            elif op["op"] == "get":
                answer = {"status": clients[op["id"]](op["url"])}
            else:
                answer = measure(lambda: clients[op["id"]](op["url"]), op["concurrency"], op["seconds"])
        except NoWay as reason:
            answer = {"noWay": str(reason)}
        except Exception as error:
            name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
            answer = {"told": f"{name}: {error}", "logged": traceback.format_exc() + repr(error)}
        print(json.dumps(answer), flush=True)


def measure(get, concurrency, seconds):
    began, start = cpu(), time.monotonic()
    end = start + seconds
    counts = [0] * concurrency
    failures = []

    def work(index):
        try:
            while time.monotonic() < end:
                status = get()
                if status != 200:
                    raise RuntimeError(f"status {status}")
                counts[index] += 1
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return {"requests": sum(counts), "seconds": time.monotonic() - start, "cpu": cpu() - began}


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
