"""Several at once, as several processes would be: each in a thread of its own, all let go together."""

import threading

from glovebox.rules import apply_rules


def all_at_once(*jobs):
    """Runs `jobs` at the same time; returns what each returned or raised, in their order."""
    barrier, outcomes = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(number, job):
        barrier.wait()
        try:
            outcomes[number] = job()
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=numbered) for numbered in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def in_its_own(depot, job):
    """`job(tx)` in a transaction of its own, beside the writer: another process's."""

    def run():
        with depot.cloud.store.write() as tx:
            return job(tx)

    return run


def look_at_once(depot, count=3):
    """The timed rules of several processes, at once; returns what they raised."""
    look = in_its_own(depot, lambda tx: apply_rules(tx, depot.now))
    return [error for error in all_at_once(*[look] * count) if error is not None]


def while_waiting(depot, first, second):
    """Runs `first(tx)` and leaves its transaction open until `second(tx)`, in another, waits for it; returns
    what `second` returned or raised. On PostgreSQL: SQLite has one writer at a time anyway."""
    outcomes = []
    other = threading.Thread(target=lambda: outcomes.extend(all_at_once(in_its_own(depot, second))))
    with depot.cloud.store.write() as tx:
        first(tx)
        other.start()
        while not outcomes and not depot.rows("SELECT 1 FROM pg_locks WHERE NOT granted"):
            other.join(0.001)
    other.join()
    return outcomes[0]
