#!/usr/bin/env python3
"""VMS's documented task script, done by cached.

    pythonanywhere_cache_manager.py refresh [--force] [--type TYPE] | status | health

Needs cache_management.py beside it, which says the rest. Without --force and --type, entries younger than 20 hours are
left alone.
"""

import os
import sys

# What is beside this file may be a read-only checkout.
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import cache_management  # noqa: E402  (it is beside this file, wherever that is)

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in cache_management.HELP:
        print(__doc__.strip())
        sys.exit(1 if len(sys.argv) < 2 else 0)
    sys.exit(cache_management.main(sys.argv[1:]))
