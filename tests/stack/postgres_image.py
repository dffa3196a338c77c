"""The machine's own PostgreSQL 15 as a Docker image, in the place of the official `postgres:15`."""

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import docker

from tests.engines.alone import alone
from tests.engines.found import address_of
from tests.stack.machine_image import machine_image

_REPOSITORY = "rollbot-tests/postgres"
_ENTRY = Path(__file__).with_name("postgres_entry.sh")
# The server's, and what a person or a program runs beside it by `docker exec`.
_PROGRAMS = (
    *("setpriv", "zstd", "gzip", "timeout", "nice", "id", "mktemp", "mkfifo", "mv", "tee", "date"),
    *("df", "du", "stat", "wc", "head", "tail", "sha256sum", "touch", "dd", "kill"),
)
# Compiling queries asks for a hundred megabytes of LLVM, and a server does without.
_LEFT_OUT = ("bitcode", "llvmjit", "llvmjit_types")
_DOCKERFILE = """\
FROM {base}
COPY root/ /
ENV PATH=/usr/local/bin:{programs}:/usr/bin:/bin LANG=C.UTF-8 PGDATA=/var/lib/postgresql/data
RUN echo 'postgres:x:999:999:postgres:/var/lib/postgresql:/bin/sh' >>/etc/passwd \\
 && echo 'postgres:x:999:' >>/etc/group \\
 && mkdir -p /var/lib/postgresql/data /var/run/postgresql /backups \\
 && chown -R postgres:postgres /var/lib/postgresql /var/run/postgresql
VOLUME /var/lib/postgresql/data
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["postgres-entry"]
CMD ["postgres"]
LABEL org.opencontainers.image.title=postgres org.opencontainers.image.version={version}
"""
# Read with the code: a later change of the file must not name what this code makes.
_RECIPE = Path(__file__).read_bytes()


def postgres_image(engine: docker.DockerClient) -> str:
    """Return the tag of the image: made once in some seconds, found on every later call."""
    programs = Path(address_of("postgresql"))
    base, version = machine_image(engine), _version(programs)
    key = sha256(f"{base}{version}".encode() + _RECIPE + _ENTRY.read_bytes())
    name = f"{_REPOSITORY}:15-{key.hexdigest()[:12]}"
    with alone("postgres-image"):
        if not engine.images.list(name=name):
            dockerfile = _DOCKERFILE.format(base=base, programs=programs, version=version)
            context = _context(dockerfile, programs)
            engine.images.build(fileobj=context, custom_context=True, tag=name, rm=True)
    return name


def _version(programs: Path) -> str:
    argv = [str(programs / "postgres"), "--version"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True)
    return said.stdout.split()[2]


def _context(dockerfile: str, programs: Path) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        _add(tar, "Dockerfile", dockerfile.encode())
        _add(tar, "root/usr/local/bin/postgres-entry", _ENTRY.read_bytes())
        for path, place in _files(programs):
            tar.add(path, f"root{place}", filter=_wanted)
    buffer.seek(0)
    return buffer


def _files(programs: Path) -> Iterator[tuple[Path, str]]:
    """Pairs of a file or folder of this machine and its place in the image."""
    home, data = programs.parent, Path("/usr/share/postgresql", programs.parent.name)
    for folder in (home, data, Path("/usr/share/zoneinfo"), Path("/usr/lib/locale/C.utf8")):
        yield folder, str(folder)
    beside = [Path(found) for name in _PROGRAMS if (found := shutil.which(name))]
    yield from ((path, f"/usr/bin/{path.name}") for path in beside)
    objects = [*programs.iterdir(), *home.glob("lib/*.so"), *beside]
    for library in _libraries([path for path in objects if path.stem not in _LEFT_OUT]):
        # /lib is a link in the image, as on the machine: COPY must not make a folder of it.
        yield library, str(library) if str(library).startswith("/usr/") else f"/usr{library}"


def _libraries(objects: list[Path]) -> set[Path]:
    listed = subprocess.run(
        ["ldd", *map(str, objects)], capture_output=True, text=True, check=False
    )
    parts = (line.split() for line in listed.stdout.splitlines() if "=> /" in line)
    return {Path(words[2]) for words in parts}


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if Path(member.name).stem in _LEFT_OUT:
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o755
    tar.addfile(member, io.BytesIO(content))
