"""The machine's own Python as a Docker image: no registry, no network, two seconds.

A tar of the interpreter, its standard library, a shell and the shared libraries that they need is
handed to `docker import`. The layout is that of the official Python images, and every user may
read it.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import docker

from tests.engines.alone import alone

_REPOSITORY = "rollbot-tests/python"
_PROGRAMS = ("sh", "env", "mkdir", "chown", "chmod", "cat", "ls", "rm", "cp", "sleep")
# When the machine has them: the same image then stands in for Redis too.
_MORE_PROGRAMS = ("redis-server", "redis-cli")
# What compiled wheels may take for granted on any Linux with glibc (PEP 600).
_SYSTEM_LIBRARIES = (
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libstdc++.so.6",
    "libutil.so.1",
)
_LEFT_OUT = re.compile(
    r"site-packages|dist-packages|tests?|idlelib|tkinter|turtledemo|lib2to3|pydoc_data|config-.*"
    r"|_tkinter.*|_test.*|.*\.opt-[12]\.pyc"
)
# Read with the code: a later change of the file must not name what this code makes.
_RECIPE = Path(__file__).read_bytes()
_STDLIB = f"python{sys.version_info.major}.{sys.version_info.minor}"
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n"
_FOLDERS = ("tmp", "root", "etc", "proc", "sys", "dev", "var/lib", "usr/bin", "usr/lib64")
_LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}


def machine_image(engine: docker.DockerClient) -> str:
    """Return the tag of the image, made on the first call and found on every later one."""
    programs = [shutil.which(name) for name in _MORE_PROGRAMS]
    key = sha256(f"{sys.version}{sys.base_prefix}{programs}".encode() + _RECIPE)
    tag = key.hexdigest()[:12]
    name = f"{_REPOSITORY}:{tag}"
    with alone("machine-image"):
        if not engine.images.list(name=name):
            engine.api.import_image_from_data(_tar(), repository=_REPOSITORY, tag=tag)
    return name


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for folder in _FOLDERS:
            _add_folder(tar, folder, mode=0o1777 if folder == "tmp" else 0o755)
        for link, target in _LINKS.items():
            _add_link(tar, link, target)
        _add_bytes(tar, "etc/passwd", _PASSWD)
        for path, name in _files():
            tar.add(path, name, recursive=False, filter=_for_everybody)
        for link in ("python", "python3"):
            _add_link(tar, f"usr/local/bin/{link}", _STDLIB)
    return buffer.getvalue()


def _files() -> Iterator[tuple[Path, str]]:
    """Pairs of a file on this machine and its place in the image."""
    python = Path(sys.executable).resolve()
    programs = {
        name: Path(found).resolve()
        for name in (*_PROGRAMS, *_MORE_PROGRAMS)
        if (found := shutil.which(name))
    }
    yield python, f"usr/local/bin/{_STDLIB}"
    yield from ((path, f"usr/bin/{name}") for name, path in programs.items())
    stdlib = Path(sysconfig.get_path("stdlib"))
    yield from ((path, f"usr/local/lib/{_STDLIB}/{name}") for path, name in _below(stdlib))
    # Debian keeps the wheels that `python -m venv` installs outside the standard library.
    wheels = Path("/usr/share/python-wheels")
    yield from ((path, f"{wheels.relative_to('/')}/{name}") for path, name in _below(wheels))
    extensions = (p for p in stdlib.glob("lib-dynload/*.so") if not _LEFT_OUT.fullmatch(p.name))
    for library in _libraries([python, *programs.values(), *extensions]):
        place = "usr/lib64" if library.name.startswith("ld-linux") else _library_folder()
        yield library, f"{place}/{library.name}"


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _LEFT_OUT.fullmatch(name)]
        for name in files:
            if not _LEFT_OUT.fullmatch(name):
                path = Path(where, name)
                yield path, str(path.relative_to(folder))


def _libraries(programs: Iterable[Path]) -> set[Path]:
    """Every shared library that `ldd` names, and the system's, by the name the loader looks for."""
    lists = [["ldd", *map(str, programs)], ["/sbin/ldconfig", "-p"]]
    needed, known = (
        subprocess.run(argv, capture_output=True, text=True, check=False).stdout for argv in lists
    )
    system = [line for line in known.splitlines() if _is_system_library(line)]
    words = (word for line in [*needed.splitlines(), *system] for word in line.split())
    return {Path(word) for word in words if word.startswith("/") and not word.endswith(":")}


def _is_system_library(line: str) -> bool:
    """Whether a line of `ldconfig -p` is about one, of this machine's word size."""
    return line.split(" ", maxsplit=1)[0].strip() in _SYSTEM_LIBRARIES and "x32" not in line


def _library_folder() -> str:
    multiarch = sysconfig.get_config_var("MULTIARCH")
    return f"usr/lib/{multiarch}" if multiarch else "usr/lib"


def _for_everybody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode |= 0o444 | (0o111 if member.mode & 0o100 else 0)
    return member


def _add_folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, mode
    tar.addfile(member)


def _add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    tar.addfile(member)


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o644
    tar.addfile(member, io.BytesIO(content))
