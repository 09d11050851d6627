#!/bin/sh
# Make .venv from Python 3.12 or 3.13 and install the pins of requirements.txt.
# Whatever is missing is said in one line. Usage: tools/venv.sh (PYTHON=... to choose the interpreter)
set -eu

stop() {
    echo "bhm: $*" >&2
    exit 1
}

suits() {
    "$1" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info < (3, 14))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3.12 python3.13 python3 python}; do
        if suits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    found=$("${PYTHON:-python3}" --version 2>&1) || found="no Python"
    stop "needs Python 3.12 or 3.13, found $found; install one, or name it: make PYTHON=/path/to/python3.12"
}

python=$(find_python) || exit 1
command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 ||
    stop "needs a C compiler (cc, gcc or clang) on the PATH, found none"

if ! suits .venv/bin/python; then
    echo "bhm: making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv >/dev/null 2>&1 ||
        stop "$python cannot make virtual environments; install its venv module (Debian: python3-venv)"
fi

log=.venv/install.log
echo "bhm: installing the pinned packages into .venv (a few minutes the first time; log: $log)"
.venv/bin/python -m pip install --retries 2 --timeout 30 -r requirements.txt >"$log" 2>&1 || {
    if grep -q -E 'ConnectionError|NewConnection|NameResolution|Temporary failure|timed out|ProxyError|Network is unreachable' "$log"; then
        stop "no network: the package index cannot be reached; connect, then run the command again (log: $log)"
    fi
    stop "could not install the pinned packages: $(grep '^ERROR' "$log" | tail -n 1) (log: $log)"
}
.venv/bin/python -m pip install --no-deps --no-build-isolation -e . >>"$log" 2>&1 ||
    stop "could not install bhm_utils itself (log: $log)"
