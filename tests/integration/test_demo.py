"""`rollbot demo` as a person runs it: every process real, judged by its journal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.engines.found import address_of
from tests.engines.waiting import eventually
from tests.stack.project import containers_of

ROLLBOT = Path(sys.executable).with_name("rollbot")
FOLDER = re.compile(r"Folder: (\S+)")


@dataclass(slots=True)
class Running:
    """A demo that runs, and what it said so far."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)

    def has_said(self, words: str) -> bool:
        return any(words in line for line in list(self.said))

    def folder(self) -> Path:
        found = FOLDER.search("".join(self.said))
        assert found, self.said
        return Path(found[1])

    def everything(self) -> str:
        return "".join(self.said)


@contextmanager
def started(*more: str, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """A demo that plays its script in English; killed if the test leaves it running."""
    process = subprocess.Popen(
        [str(ROLLBOT), "demo", "--scripted", "--json", "--language", "en", *more],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Running(process)
    listener = threading.Thread(target=running.listen)
    listener.start()
    try:
        eventually(lambda: running.has_said("Folder: "), what="the demo has begun")
        yield running
    finally:
        process.kill()
        process.wait()
        listener.join()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()
    eventually(lambda: processes_of(running.folder()) == {}, what="nothing is left")
    shutil.rmtree(running.folder(), ignore_errors=True)


@pytest.fixture
def demo() -> Iterator[Running]:
    """The demo on the embedded engine."""
    with started() as running:
        yield running


@dataclass(slots=True)
class Screen:
    """What a terminal has shown, and its keyboard."""

    terminal: int
    text: str = ""

    def wait_for(self, words: str) -> None:
        seen = len(self.text)

        def shown() -> bool:
            self._read()
            return words in self.text[seen:]

        eventually(shown, what=f"{words} on the screen")

    def type(self, line: str, then: str) -> None:
        os.write(self.terminal, f"{line}\n".encode())
        if then:
            self.wait_for(then)

    def read_to_the_end(self) -> None:
        eventually(lambda: not self._read(), what="the demo has ended")

    def _read(self) -> bool:
        """Whether there may be more; what there is now is read."""
        if not select.select([self.terminal], [], [], 0.1)[0]:
            return True
        try:
            self.text += os.read(self.terminal, 65536).decode(errors="replace")
        except OSError:  # how Linux says that the other end was closed
            return False
        return True


def processes_of(folder: Path) -> dict[int, str]:
    """Whatever works in the demo's folder: pid → command line."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder) in str((entry / "cwd").readlink()):
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # ended while we looked, or not ours to look at
    return found


def kill_9(folder: Path, name: str) -> None:
    """End one of the demo's processes as the kernel does when memory runs out."""
    found = [pid for pid, line in processes_of(folder).items() if name in re.split(r"[ /]", line)]
    assert found
    os.kill(min(found), signal.SIGKILL)


@pytest.mark.timeout(600)
def test_every_act_ends_as_it_should(demo: Running) -> None:
    """One JSON object a rollback, proofs and approvers in it, nothing left behind."""
    began = time.monotonic()
    folder = demo.folder()

    assert demo.process.stdout is not None
    stdout, code = demo.process.stdout.read(), demo.process.wait(timeout=300)

    assert code == 0, demo.everything()
    said = tuple(map(json.loads, stdout.splitlines()))
    api, everything, rehearsed, undone, *with_database = said
    assert (api["id"], api["target"], api["state"]) == ("RB-1", "api v1.2.3", "succeeded")
    assert api["approvers"] == ["anna"]
    assert 0 < api["approval_to_healthy_s"] < 30, "2 s, where the machine is its own"
    assert {item["what"] for item in api["proof"]} >= {"digest", "version", "health", "stable"}
    assert {item["verdict"] for item in api["proof"]} == {"ok"}
    assert (everything["scenario"], set(everything["approvers"])) == ("full", {"igor", "olga"})
    assert (rehearsed["state"], undone["state"]) == ("rehearsed", "undone")
    assert undone["target"] == "worker v1.2.3"
    back = {item["what"]: (item["found"], item["verdict"]) for item in undone["proof"]}
    assert back["version"] == ("v1.3.1", "ok")
    judge_the_database(*with_database)
    assert time.monotonic() - began < 300, "under 90 s, where the machine is its own"
    assert processes_of(folder) == {}
    assert not folder.exists()


def judge_the_database(
    looked: dict[str, Any], downgraded: dict[str, Any], refused: dict[str, Any]
) -> None:
    """A plan was only looked at; the schema went back and came back; of two heads none did."""
    assert (looked["target"], looked["state"]) == ("api v1.2.3", "rehearsed")
    assert (downgraded["target"], downgraded["state"]) == ("db r05", "undone")
    assert (downgraded["scenario"], set(downgraded["approvers"])) == ("db", {"vera", "dmitry"})
    schema = [item["found"] for item in downgraded["proof"] if item["what"] == "schema"]
    assert schema == ["r06"]
    assert (refused["target"], refused["state"]) == ("db -1", "refused")


@pytest.mark.parametrize(
    "name", ["worker", *(pytest.param(n, marks=pytest.mark.long) for n in ("bot", "valkey-server"))]
)
def test_whatever_is_killed_comes_back_and_the_rollback_goes_on(demo: Running, name: str) -> None:
    """Killed while a rollback runs: it is restarted, the rollback proven, nothing done twice."""
    folder = demo.folder()
    eventually(lambda: demo.has_said("approve RB-1"), what=demo.everything)

    kill_9(folder, name)

    proven = "so it is: the rollback is proven"
    eventually(lambda: demo.has_said(proven), within_s=120, what=demo.everything)
    effects = (folder / "engine" / "effects.jsonl").read_text().splitlines()
    switched = [json.loads(line) for line in effects if "samokoder-api" in line]
    starts = [e for e in switched if e["kind"] == "container_started"]
    assert len(starts) == 3, "v1.2.3, then v1.3.0, then v1.2.3 again: nothing done twice"


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.engine("docker", "compose_v2")
def test_the_same_acts_on_real_containers() -> None:
    """With `--engine docker` every act ends well too, and no container or network is left."""
    config = {"DOCKER_CONFIG": address_of("compose_v2"), "DOCKER_HOST": address_of("docker")}
    with started("--engine", "docker", environment=config) as demo:
        runbook = tomllib.loads((demo.folder() / "runbook.toml").read_text())
        project = runbook["environments"]["production"]["compose"]["project"]
        assert demo.process.stdout is not None
        stdout, code = demo.process.stdout.read(), demo.process.wait(timeout=200)

    assert code == 0, demo.everything()
    ended = [json.loads(line) for line in stdout.splitlines()]
    states = [rollback["state"] for rollback in ended]
    assert states == ["succeeded", "succeeded", "rehearsed", "undone"]
    with closing(docker.DockerClient(base_url=config["DOCKER_HOST"])) as engine:
        assert containers_of(engine, project) == []
        label = {"label": f"com.docker.compose.project={project}"}
        assert engine.networks.list(filters=label) == []
        assert not [tag for image in engine.images.list() for tag in image.tags if project in tag]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_ends_all_that_it_started(
    demo: Running, ending: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM leave no process and no folder behind."""
    folder = demo.folder()
    eventually(lambda: demo.has_said("worker is there"), what=demo.everything)
    eventually(lambda: len(processes_of(folder)) >= 10, what="all of them run")

    demo.process.send_signal(ending)

    assert demo.process.wait(timeout=60) == 130, demo.everything()
    assert processes_of(folder) == {}
    assert not folder.exists()


def test_a_killed_demo_takes_everything_with_it(demo: Running) -> None:
    """Nothing outlives kill -9 of the demo: the kernel ends its children."""
    folder = demo.folder()
    eventually(lambda: demo.has_said("worker is there"), what=demo.everything)

    demo.process.kill()

    eventually(lambda: processes_of(folder) == {}, what="nothing is left")


def test_in_a_terminal_people_type_and_press_for_themselves() -> None:
    """Own words as somebody else, a refusal for a stranger, `/quit`: exit 0, nothing left."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(ROLLBOT, [str(ROLLBOT), "demo", "--language", "en"])
    said = Screen(terminal)
    said.wait_for("anna> ")
    folder = Path(FOLDER.findall(said.text)[0])

    said.type("/as boris", then="boris> ")
    said.type("api v1.2.2", then="DevOps lead")
    said.type("/quit", then="")
    said.read_to_the_end()

    assert os.waitpid(pid, 0)[1] == 0, said.text
    os.close(terminal)
    assert processes_of(folder) == {}
    assert not folder.exists()
