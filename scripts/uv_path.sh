#!/bin/sh
# Prints where uv is: on the PATH, or where environment.sh has put it.
command -v uv 2>/dev/null && exit 0
cd "$(dirname "$0")/.." || exit 1
for place in .uv/bin/uv .uv/uv "$HOME/.local/bin/uv"; do
    [ -x "$place" ] && echo "$place" && exit 0
done
echo .uv/bin/uv
