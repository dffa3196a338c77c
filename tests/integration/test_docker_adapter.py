"""The Docker adapter where it hurts: real engine, real registry, both Compose generations."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import pytest
from docker.errors import APIError
from docker.models.containers import Container

from commands.domain.errors import (
    CommandTimedOutError,
    ImageNotFoundError,
    RegistryUnavailableError,
)
from commands.domain.facts import RunningRelease
from commands.domain.plan import CommandLine
from tests.contract.containers_worlds import SECRET, docker_containers, one_off_words, up
from tests.engines.waiting import eventually
from tests.stack.compose import Compose, compose_v2
from tests.stack.fixtures import SamokoderFactory
from tests.stack.images import Images
from tests.stack.project import Samokoder
from workers.adapters.compose import DockerContainers

BAD, GOOD = "v1.3.0", "v1.2.3"


@dataclass(frozen=True, slots=True)
class Host:
    """A project that runs the bad release, and the port on it."""

    project: Samokoder
    containers: DockerContainers

    def running(self, service: str = "api") -> RunningRelease:
        release = self.containers.running(service)
        assert release is not None
        return release

    def repository(self, service: str = "api") -> str:
        return f"{self.project.images.prefix}/samokoder-{service}"

    def switch(self, version: str, *services: str) -> int:
        """Pin and `up`, as the steps do; the exit code."""
        self.project.pin("APP_VERSION", version)
        return self.containers.compose(up(self.project, *services), timeout_s=60).exit_code


@pytest.fixture
def host(samokoder: SamokoderFactory, compose: Compose) -> Iterator[Host]:
    """Both generations in turn."""
    project = samokoder(compose, BAD, start=False)
    compose.run(project.directory, "up", "-d", "--no-deps", "api", "db")
    # PID 1 is deaf to SIGTERM until it has said otherwise; a recreate would then take ten seconds.
    project.await_version("api", BAD)
    containers = docker_containers(project)
    yield Host(project, containers)
    containers.close()


def test_only_the_named_services_move(host: Host) -> None:
    """State, and every service that nobody named, keep their containers (H7, H21)."""
    host.project.compose.run(host.project.directory, "up", "-d", "--no-deps")
    before = host.project.identities()
    assert len(before) == 5

    assert host.switch(GOOD, "api", "worker") == 0

    now = host.project.identities()
    moved = {service for service in before if before[service] != now[service]}
    assert moved == {"api", "worker"}
    assert host.running("frontend").version == BAD
    assert {host.running(s).version for s in ("api", "worker")} == {GOOD}


def test_a_stale_variable_of_the_worker_does_not_win(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is pinned is run, whatever the worker was started with (H6, case 53)."""
    monkeypatch.setenv("APP_VERSION", "v1.2.2")

    assert host.switch(GOOD, "api") == 0

    assert host.running().version == GOOD


def test_a_taken_port_is_a_failure(host: Host) -> None:
    """The exit code and the reason come back; the service does not count as running (case 41)."""
    port = host.project.ports["api"]
    host.project.container("api").stop(timeout=1)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        host.project.pin("APP_VERSION", GOOD)

        outcome = host.containers.compose(up(host.project, "api"), timeout_s=60)

        assert outcome.exit_code != 0
        assert str(port) in outcome.tail
        assert host.running().state in ("created", "exited")

    assert host.switch(GOOD, "api") == 0
    assert (host.running().version, host.running().state) == (GOOD, "running")


def test_an_up_of_what_never_gets_well_is_no_failure_of_the_engine(host: Host) -> None:
    """Exit code 0 says that it was started, not that it is well (H13, case 40)."""
    assert host.switch("v1.9.9-never-healthy", "api") == 0

    assert host.running().state == "running"
    assert eventually(lambda: host.project.get("api")[0]) == 503


def test_a_crash_loop_shows_in_state_and_restarts(host: Host) -> None:
    """Compose is content with it; the release read back is not (H13)."""
    assert host.switch("v1.9.8-crash", "api") == 0

    eventually(lambda: host.running().restart_count > 0, what="a restart is counted")


Seen = list[dict[str, Any]]


def half_made(seen: Seen, before: str) -> bool:
    """Old and new side by side."""
    return len(seen) > 1


def old_ended(seen: Seen, before: str) -> bool:
    """Users are down: the old container has been stopped."""
    return all(c["State"] != "running" for c in seen if c["Id"] == before)


def new_made(seen: Seen, before: str) -> bool:
    """The new container is there and has not been started."""
    return any(c["Id"] != before and c["State"] == "created" for c in seen)


@pytest.mark.parametrize("moment", [half_made, old_ended, new_made])
def test_a_compose_killed_in_the_middle_heals(
    host: Host, moment: Callable[[Seen, str], bool]
) -> None:
    """Wherever it was killed, settling and one more `up` end in one container (case 43)."""
    database, before = host.running("db"), host.running()
    host.project.pin("APP_VERSION", GOOD)
    killed = start_up(host.project)
    eventually(lambda: moment(containers_of(host.project), before.container_id), every_s=0.002)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()

    host.containers.settle("RB-17", timeout_s=120)
    settled = containers_of(host.project)
    outcome = host.containers.compose(up(host.project, "api"), timeout_s=60)

    assert len(settled) <= 1
    assert outcome.exit_code == 0, outcome.tail
    (now,) = containers_of(host.project)
    assert now["State"] == "running"
    assert now["Names"][0].startswith(f"/{host.project.name}")
    assert host.running().version == GOOD
    assert host.running("db") == database


def test_settling_awaits_a_container_that_is_being_made(host: Host) -> None:
    """Compose died while the engine was at it: the container comes a moment later, and goes."""
    old = host.project.container("api")
    name, image = f"{str(old.id)[:12]}_{old.name}", old.attrs["Config"]["Image"]
    make = threading.Timer(
        0.05, lambda: host.project.engine.containers.create(image, name=name, labels=old.labels)
    )
    make.start()

    host.containers.settle("RB-17", timeout_s=120)

    make.join()
    assert [found.id for found in host.project.containers("api")] == [old.id]


def test_settling_awaits_a_container_that_is_being_stopped(host: Host) -> None:
    """What Compose had told to end before it was killed has ended when settling returns."""
    container = host.project.container("api")
    container.kill("SIGSTOP")
    stop = threading.Thread(target=container.stop, kwargs={"timeout": 1})
    stop.start()
    eventually(lambda: was_told_to_end(host.project, str(container.id)))

    host.containers.settle("RB-17", timeout_s=120)

    assert host.running().state == "exited"
    stop.join()


def was_told_to_end(project: Samokoder, container: str) -> bool:
    now = int(time.time())
    events = project.engine.api.events(
        since=now - 60, until=now + 1, decode=True, filters={"container": container}
    )
    return any(e["Action"] == "kill" and e["Actor"]["Attributes"]["signal"] == "15" for e in events)


def start_up(project: Samokoder) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        up(project, "api").argv,
        cwd=project.directory,
        env=dict(project.compose.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def containers_of(project: Samokoder, service: str = "api") -> Seen:
    labels = [
        f"com.docker.compose.project={project.name}",
        f"com.docker.compose.service={service}",
    ]
    found: Seen = project.engine.api.containers(all=True, filters={"label": labels})
    return found


@pytest.fixture
def own(samokoder: SamokoderFactory, images: Images) -> Iterator[Host]:
    """A project with images that no other test sees. The generation does not matter here."""
    project = samokoder(compose_v2(), GOOD, start=False)
    project.images = Images(images.engine, images.registry, project.name)
    for tag in (GOOD, "v1.2.2"):
        project.images.publish("api", tag, note=project.name)
    project.write(GOOD)
    project.compose.run(project.directory, "up", "-d", "--no-deps", "api")
    containers = docker_containers(project)
    yield Host(project, containers)
    containers.close()
    project.down()
    project.images.discard()


def test_a_tag_pushed_again_has_another_digest(own: Host) -> None:
    """What was approved by digest is not what the tag means now (case 17)."""
    approved = own.containers.registry_digest(own.repository(), GOOD)
    assert approved == own.running().digest
    own.project.images.publish("api", GOOD, note="pushed again")

    now = own.containers.registry_digest(own.repository(), GOOD)

    assert now
    assert now != approved
    assert not own.containers.has_image(own.repository(), GOOD, approved)
    assert own.running().digest == approved
    own.containers.pull(own.repository(), GOOD, approved, timeout_s=120)
    assert own.containers.has_image(own.repository(), GOOD, approved)


def test_an_image_whose_tag_is_gone_gets_it_back_by_its_id(own: Host) -> None:
    """An undo has the very image that ran before, without asking a registry (H19)."""
    before = own.running()
    own.project.engine.images.remove(before.reference, force=True)
    assert not own.containers.has_image(own.repository(), GOOD, before.image_id)

    own.containers.pull(own.repository(), GOOD, before.image_id, timeout_s=120)
    own.containers.pull(own.repository(), "rollbot-1", before.image_id, timeout_s=120)

    assert own.containers.has_image(own.repository(), GOOD, before.image_id)
    assert own.containers.has_image(own.repository(), "rollbot-1", before.image_id)
    assert own.running().image_id == before.image_id


@pytest.fixture
def built_here(own: Host) -> Iterator[str]:
    """A repository of no registry, with one image."""
    name = f"samokoder-api-{token_hex(4)}"
    own.project.engine.api.tag(own.running().image_id, name, "v1")
    yield name
    try:
        own.project.engine.images.remove(f"{name}:v1")
    except APIError:
        # The test has removed it.
        return


def test_an_image_of_no_registry_is_known_by_its_id(own: Host, built_here: str) -> None:
    """What was built on the spot is found here, and no registry in the world is asked for it."""
    (image,) = own.containers.local_images(built_here)

    assert (image.version, image.image_id) == ("v1", own.running().image_id)
    assert image.digest.startswith("sha256:")
    assert own.containers.registry_tags(built_here) == ()
    assert own.containers.registry_digest(built_here, "v1") is None
    assert own.containers.has_image(built_here, "v1", image.image_id)
    with pytest.raises(ImageNotFoundError):
        own.containers.pull(built_here, "v2", "sha256:" + "0" * 64, timeout_s=10)


def test_a_registry_that_is_away_is_named_as_such(own: Host) -> None:
    """Nothing answers at the address: not the same as an image that is not there."""
    nowhere = "127.0.0.1:1/samokoder-api"

    for ask in (
        lambda: own.containers.registry_tags(nowhere),
        lambda: own.containers.registry_digest(nowhere, "v1"),
        lambda: own.containers.pull(nowhere, "v1", "sha256:" + "0" * 64, timeout_s=10),
    ):
        with pytest.raises(RegistryUnavailableError):
            ask()


def test_a_registry_that_says_nothing_is_away_in_time(own: Host) -> None:
    """The engine waits for it as long as it likes; we do not, and blame the right one."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        repository = f"127.0.0.1:{silent.getsockname()[1]}/samokoder/api"

        with pytest.raises(RegistryUnavailableError):
            own.containers.pull(repository, "v1", "sha256:" + "0" * 64, timeout_s=1)

        assert own.running().state == "running"


def test_a_compose_that_hangs_is_ended_in_time(own: Host) -> None:
    """The time limit holds, and nothing of it works on."""
    # A stopped process does not end when it is asked to: the engine waits its ten seconds.
    own.project.container("api").kill("SIGSTOP")
    own.project.pin("APP_VERSION", "v1.2.2")

    with pytest.raises(CommandTimedOutError):
        own.containers.compose(up(own.project, "api"), timeout_s=1)


def test_a_rehearsal_gets_so_much_cpu_and_no_more(host: Host) -> None:
    """Read back from the engine, for both generations, while the program runs (settling asks)."""
    line = CommandLine(argv=(*host.project.compose.argv, *one_off_words("python3", "-c", FOR_EVER)))
    label = ["rollbot.rollback=RB-1", f"com.docker.compose.project={host.project.name}"]
    of: dict[str, str | list[str] | bool] = {"label": label}
    with ThreadPoolExecutor(1) as pool:
        ran = pool.submit(host.containers.one_off, line, 600, {SECRET: "x"}, 0.5)
        limits: list[tuple[int, ...]] = []

        def is_limited() -> bool:
            there = host.project.engine.containers.list(filters=of, ignore_removed=True)
            has = there[0].attrs["HostConfig"] if there else {"CpuQuota": 0}
            limits[:] = [tuple(has.get(name, 0) for name in ("CpuQuota", "CpuPeriod", "CpuShares"))]
            return bool(has["CpuQuota"])

        eventually(lambda: ran.done() or is_limited(), what="it is limited")
        host.containers.settle("RB-1", timeout_s=0.1)
    assert limits == [(50_000, 100_000, 256)], ran.result()


FOR_EVER = "import signal, sys; signal.signal(15, lambda *_: sys.exit()); signal.pause()"


def one_off(host: Host, rollback: str, command: str) -> Container:
    """A program inside the engine that belongs to a rollback, as a migration would."""
    return host.project.engine.containers.run(
        host.running().reference,
        entrypoint=["python3", "-c", command],
        detach=True,
        labels={
            "rollbot.rollback": rollback,
            "com.docker.compose.project": host.project.name,
            "com.docker.compose.service": "api",
            "com.docker.compose.oneoff": "True",
        },
    )


def test_settling_lets_a_program_of_the_rollback_finish(own: Host) -> None:
    """A migration under way is awaited; it never counts as the running service."""
    program = one_off(own, "RB-17", "import time; time.sleep(1)")

    own.containers.settle("RB-17", timeout_s=120)

    program.reload()
    assert (program.status, program.attrs["State"]["ExitCode"]) == ("exited", 0)
    assert own.running().container_id != program.id


def test_settling_ends_a_program_that_does_not_finish(own: Host) -> None:
    """After the time limit it is stopped; another rollback's program is left alone."""
    ours = one_off(own, "RB-17", FOR_EVER)
    theirs = one_off(own, "RB-18", FOR_EVER)

    own.containers.settle("RB-17", timeout_s=0.2)

    for program, status in ((ours, "exited"), (theirs, "running")):
        program.reload()
        assert program.status == status
