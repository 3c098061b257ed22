# Usage: ensure-chromium.sh [PROGRAM]
# The browser tests are part of the suite and start /usr/bin/chromium: make sure that it is there.
set -eu
program=${1:-/usr/bin/chromium}

if [ -x "$program" ]; then
    exit 0
fi
if ! sh "$(dirname "$0")/apt-install.sh" chromium; then
    echo "the browser tests need $program; install it (on Debian: apt-get install chromium) and run make test again" >&2
    exit 1
fi
