# Usage: apt-install.sh PACKAGE
# Installs a Debian package when this user may (root, or sudo without a password); else exits 1.
set -eu

if ! command -v apt-get >/dev/null; then
    exit 1
elif [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -qq update </dev/null
$as_root apt-get -qq install --yes --no-install-recommends "$1" </dev/null
