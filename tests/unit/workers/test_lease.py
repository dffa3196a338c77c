from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from commands.domain.errors import LeaseHeldError
from tests.engines.waiting import eventually
from workers.lease import Lease, Standstill


@pytest.fixture
def lease(tmp_path: Path) -> Lease:
    return Lease(tmp_path / "state", "production")


def test_one_holder_at_a_time(lease: Lease) -> None:
    """A second holder is refused and told who holds it; afterwards the lease is free."""
    with lease.acquire(0, "RB-1"):
        with pytest.raises(LeaseHeldError) as caught, lease.acquire(0.05):
            pass
        assert str(caught.value.facts["holder"]).endswith("RB-1")

    with lease.acquire(0):
        pass


def test_environments_do_not_wait_for_each_other(lease: Lease) -> None:
    """Staging's lease says nothing about production's."""
    with lease.acquire(0), Lease(lease.state_dir, "staging").acquire(0):
        pass


def test_a_child_keeps_the_lease_until_it_ends(lease: Lease) -> None:
    """The holder lets go, its child works on: the lease is taken, and free when the child ends."""
    with lease.acquire(0) as held:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(held.fd,))

    with pytest.raises(LeaseHeldError), lease.acquire(0):
        pass
    child.communicate()
    with lease.acquire(0):
        pass


def test_a_holder_that_was_stopped_is_noticed(lease: Lease) -> None:
    """Its pid is known after a second, and no longer once it goes on; an ended one is nobody."""
    look = Standstill(lease)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lease.state_dir), lease.environment],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    assert look() == 0
    holder.send_signal(signal.SIGSTOP)
    eventually(lambda: look() == holder.pid, what="it is noticed")
    holder.send_signal(signal.SIGCONT)
    eventually(lambda: look() == 0, what="it goes on")
    holder.communicate(timeout=60)

    assert lease.holder_pid() == 0


HOLD = (
    "import sys; from pathlib import Path; from workers.lease import Lease\n"
    "with Lease(Path(sys.argv[1]), sys.argv[2]).acquire(0, 'RB-1'):\n"
    "    print('held', flush=True); sys.stdin.read()\n"
)
