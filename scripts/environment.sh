#!/bin/sh
# Brings what the commands of the Makefile need: uv, the Python environment, and Qt's system libraries on Linux.
set -eu
cd "$(dirname "$0")/.."

bring_uv() {
    echo "Installing uv into .uv"
    rm -rf .uv
    # Debian splits venv and pip off Python, so one of three ways has to do
    if python3 -m venv .uv 2>/dev/null && .uv/bin/python -m pip install --quiet uv; then return; fi
    rm -rf .uv
    if python3 -m pip install --quiet --target .uv uv 2>/dev/null; then return; fi
    rm -rf .uv
    if command -v curl >/dev/null; then
        curl -LsSf https://astral.sh/uv/install.sh | env UV_INSTALL_DIR="$PWD/.uv" UV_NO_MODIFY_PATH=1 sh && return
    fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
        python3 -m venv .uv && .uv/bin/python -m pip install --quiet uv && return
    fi
    echo "uv could not be installed: see https://docs.astral.sh/uv/getting-started/installation/ and run make again." >&2
    exit 1
}

[ -x "$(sh scripts/uv_path.sh)" ] || bring_uv

# Qt loads these at run time; napari's window and the tests need them, the headless demo does not
PACKAGES="libegl1 libgl1 libglib2.0-0 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 \
libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-sync1 libxcb-xfixes0 libxcb-xinerama0 \
libxcb-xkb1 libdbus-1-3 libgl1-mesa-dri xvfb"
if [ "$(uname)" = Linux ] && command -v dpkg-query >/dev/null; then
    MISSING=""
    for package in $PACKAGES; do
        # a package may have got a new name in a later Debian (libglib2.0-0t64): what provides it counts
        dpkg-query -W -f='${db:Status-Abbrev} ${Package} ${Provides}\n' 2>/dev/null \
            | grep -q -E "^ii +.*(^| )$package([ ,(:]|$)" || MISSING="$MISSING $package"
    done
    if [ -n "$MISSING" ]; then
        if [ "$(id -u)" = 0 ]; then
            echo "Installing Qt's system libraries:$MISSING"
            apt-get update -qq
            # shellcheck disable=SC2086
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $MISSING >/dev/null
        else
            echo "For napari's window and the tests, run once: sudo apt-get install -y$MISSING"
        fi
    fi
fi

"$(sh scripts/uv_path.sh)" sync --frozen --quiet --inexact --extra qt
