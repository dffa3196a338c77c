"""The journal and the queue, on Redis and RQ."""
