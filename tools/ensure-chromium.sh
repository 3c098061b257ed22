# The browser tests are part of the suite: make sure that there is a Chromium for them.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done

if ! sh "$(dirname "$0")/apt-install.sh" chromium; then
    echo "the browser tests need Chromium; install it (on Debian: apt-get install chromium) and run make test again" >&2
    exit 1
fi
