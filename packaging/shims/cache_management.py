#!/usr/bin/env python3
"""VMS's documented cache commands, done by cached.

    cache_management.py refresh-all | refresh [TYPE] [--type TYPE] [--force] | status | health
                        | start-scheduler | stop-scheduler

When a daemon answers, cachectl asks it; otherwise `cached refresh` and `cached check` do the work in this process's
stead. Exit codes: 0 good, 1 failed (also without a command), 2 unknown command or type. Without a daemon, health is 1
when a report is stale or missing, or when the last run failed.

Programs are looked for beside this file, then on PATH. Configuration is that of cached: /etc/cached/cached.toml or the
CACHED_... variables, such as CACHED_DATABASE_URL.
"""

import os
import shutil
import subprocess
import sys

TYPES = ("district", "organization", "virtual_session", "volunteer", "recruitment")
REFRESH, REFRESH_ALL = "refresh", "refresh-all"
SCHEDULER = ("start-scheduler", "stop-scheduler")
HELP = ("--help", "-h", "help")
COMMANDS = (REFRESH, REFRESH_ALL, "status", "health") + SCHEDULER

# cachectl: nobody answers, or somebody of another version.
UNREACHABLE, OTHER_PROTOCOL = 3, 6


class Usage(Exception):
    """What was typed means nothing."""


def program(name):
    """The path of one of our programs."""
    beside = os.path.join(os.path.dirname(os.path.realpath(__file__)), name)
    found = beside if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        sys.exit(f"error: {name} is neither beside {__file__} nor on PATH; install the package or copy it there")
    return found


def run(name, *arguments, quiet=False):
    """The exit code of a program; a signal counts as failure."""
    output = subprocess.DEVNULL if quiet else None
    code = subprocess.run([program(name), *arguments], stdout=output, stderr=output, check=False).returncode
    return code if code >= 0 else 1


def daemon_answers():
    """Whether there is a daemon of ours."""
    return run("cachectl", "ping", quiet=True) not in (UNREACHABLE, OTHER_PROTOCOL)


def parse(words):
    """The command, the types and whether everything is refreshed however young it is."""
    command, rest = words[0], list(words[1:])
    if command not in COMMANDS:
        raise Usage(f"unknown command {command!r}")
    types, force = [], False
    while rest:
        word = rest.pop(0)
        if word == "--force" and command in (REFRESH, REFRESH_ALL):
            force = True
            continue
        if command != REFRESH:
            raise Usage(f"{command} does not take {word!r}")
        if word == "--type":
            word = rest.pop(0) if rest else ""
        name = word.removeprefix("--type=").replace("-", "_")
        if name not in TYPES:
            raise Usage(f"unknown type {word!r}; one of {', '.join(TYPES)}")
        types.append(name)
    return command, types, force


def perform(command, types, force):
    """Does it, and says how it went."""
    answers = daemon_answers()
    if command in (REFRESH, REFRESH_ALL):
        # VMS refreshes a type that is named however young it is, and everything by the 20-hour rule.
        arguments = [REFRESH, *types, *(["--force"] if force or types else [])]
        return run("cachectl" if answers else "cached", *arguments)
    if answers:
        return run("cachectl", command)
    if command in SCHEDULER:
        print("error: no daemon answers, so there is no scheduler; start it, or use the host's own task", file=sys.stderr)
        return 1
    return run("cached", "check", *(["--strict"] if command == "health" else []))


def main(words):
    """Runs one command line."""
    if not words:
        print(__doc__.strip())
        return 1
    if words[0] in HELP:
        print(__doc__.strip())
        return 0
    try:
        command, types, force = parse(words)
    except Usage as error:
        print(f"error: {error}\nusage: {os.path.basename(sys.argv[0])} {{{','.join(COMMANDS)}}}", file=sys.stderr)
        return 2
    return min(perform(command, types, force), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
