# Usage: make-venv.sh FOLDER [PYTHON]
# Makes a virtual environment in FOLDER with PYTHON, or with the first Python >= 3.11 on the path.
set -eu
folder=$1

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

choose() {
    for candidate in python3 python3.11 python3.12 python3.13 python3.14 /usr/bin/python3; do
        if new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

if [ $# -gt 1 ]; then
    python=$2
    if ! new_enough "$python"; then
        echo "PYTHON=$python is no Python 3.11 or newer; name one that is: make PYTHON=/path/to/python3.11" >&2
        exit 1
    fi
else
    python=$(choose)
    if [ -z "$python" ]; then
        echo "no Python 3.11 or newer was found; install one, or name it: make PYTHON=/path/to/python3.11" >&2
        exit 1
    fi
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    sh "$(dirname "$0")/apt-install.sh" "python$version-venv" || {
        echo "$python has no venv module; install it (on Debian: apt-get install python3-venv) and run make again" >&2
        exit 1
    }
fi

rm -rf "$folder"
"$python" -m venv "$folder"
