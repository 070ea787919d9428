"""Takes from this process what arithmetic does not need: writing files, the network, starting programs, memory, time.

Linux only, by its own calls: Landlock for files (since 5.13), seccomp for the rest; where a kernel lacks one, or on
another system, that wall is not there and `confine` says so. Whatever is read here was looked through already: this is
the second wall.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

# prctl
_PARENT_DEATH_SIGNAL, _NO_NEW_PRIVILEGES, _SECCOMP = 1, 38, 22
_SECCOMP_FILTER = 2
# Landlock's calls have one number on every machine.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FILES_RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_FILES_RIGHTS = (1 << 16) - 1
_RIGHTS_ON_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
_NET_RIGHTS = 3  # TCP: bind, connect

_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/sys", "/opt", "/nix/store", "/dev/urandom")

# socket, connect, execve, execveat, ptrace, kill, process_vm_readv, process_vm_writev; setpgid and setsid, by which
# something started here would outlast the whole; and io_uring_setup, by whose queues sockets are opened without a call
# that could be refused.
_CALLS_REFUSED = {
    "x86_64": (0xC000003E, (41, 42, 59, 322, 101, 62, 310, 311, 109, 112, 425)),
    "aarch64": (0xC00000B7, (198, 203, 221, 281, 117, 129, 270, 271, 154, 157, 425)),
}
_FIRST_FOREIGN_CALL = 0x40000000
"""From here on x86-64 counts the same calls once more, for programs with short pointers."""


def confine(read: Sequence[Path], write: Path) -> bool:
    """Let this process read `read`, Python and the system's libraries, write below `write`, and nothing else, for good.

    Call it before other threads are there: Landlock holds the calling one and those it starts. Returns whether both
    walls stand.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PARENT_DEATH_SIGNAL, 9, 0, 0, 0)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return False
    files = _confine_files(libc, read, write)
    return _refuse_calls(libc) and files


def _confine_files(libc: ctypes.CDLL, read: Sequence[Path], write: Path) -> bool:
    version = libc.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    rights = _FILES_RIGHTS_BY_VERSION.get(version, _FILES_RIGHTS)
    ruleset = struct.pack("=QQ", rights, _NET_RIGHTS)[: 16 if version >= 4 else 8]
    rules = libc.syscall(_CREATE_RULESET, ruleset, len(ruleset), 0)
    if rules < 0:
        return False
    try:
        readable = {*map(Path, _SYSTEM_FOLDERS), *_python_folders(), *read}
        for path in sorted(readable):
            _allow(libc, rules, path, (_EXECUTE | _READ_FILE | _READ_DIR) & rights)
        _allow(libc, rules, write, rights)
        _allow(libc, rules, Path(os.devnull), (_READ_FILE | _WRITE_FILE) & rights)
        return bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _python_folders() -> Iterator[Path]:
    """Yield where Python finds modules: not the folder the program was started in, unless it is this repository."""
    yield from (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[2])
    yield from (Path(entry) for entry in sys.path if entry and Path(entry).resolve() != Path.cwd())


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # a system without such a folder
        return
    try:
        allowed = rights if path.is_dir() else rights & _RIGHTS_ON_A_FILE
        libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", allowed, place), 0)
    finally:
        os.close(place)


def _refuse_calls(libc: ctypes.CDLL) -> bool:
    known = _CALLS_REFUSED.get(platform.machine())
    if known is None:
        return False
    machine, calls = known
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    allow, refuse = 0x7FFF0000, 0x00050001  # the second: EPERM
    tests = [(equal, call) for call in calls] + [(at_least, _FIRST_FOREIGN_CALL)]
    steps = [(load, 0, 0, 4), (equal, 1, 0, machine), (give, 0, 0, refuse), (load, 0, 0, 0)]
    steps += [(test, len(tests) - number, 0, value) for number, (test, value) in enumerate(tests)]
    steps += [(give, 0, 0, allow), (give, 0, 0, refuse)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    # Without c_void_p half of the address would be passed: ctypes takes a number for an int.
    return bool(libc.prctl(_SECCOMP, _SECCOMP_FILTER, ctypes.c_void_p(ctypes.addressof(program)), 0, 0) == 0)


def limit_files(most_bytes: int) -> None:
    """Let no file that this process writes grow beyond `most_bytes`, and keep no image of it when it dies."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def clock(seconds: float) -> Iterator[None]:
    """End this process (SIGXCPU) where the block takes more than so much processor. Nothing on Windows."""
    try:
        import resource
    except ImportError:
        yield
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime + seconds) + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))
