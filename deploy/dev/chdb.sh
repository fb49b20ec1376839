#!/usr/bin/env bash
# Installs libchdb.so, the current ClickHouse engine that tests run in process, with npm into the user's cache folder, where
# it is missing: once, half a gigabyte.
set -euo pipefail

version=26.5.3
case "$(uname -sm)" in
'Linux x86_64') package=@chdb/lib-linux-x64-gnu ;;
'Linux aarch64') package=@chdb/lib-linux-arm64-gnu ;;
*)
  echo "chDB is installed for Linux only; set TRUYVET_CHDB to the path of a libchdb.so" >&2
  exit 1
  ;;
esac
folder=${XDG_CACHE_HOME:-$HOME/.cache}/truyvet/chdb
library=$folder/node_modules/$package/libchdb.so
[ -z "${TRUYVET_CHDB:-}" ] || exit 0
[ ! -e "$library" ] || exit 0

"$(dirname "$0")/test-packages.sh" npm
mkdir -p "$folder"
echo "Installing $package into $folder"
npm install --prefix "$folder" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "$package@$version"
