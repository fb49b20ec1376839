#!/usr/bin/env bash
# Installs the Debian packages that tests and `make cluster` start servers and a browser from, where they are missing.
# With arguments, only those packages. Where this may not install (no root, no apt-get) it says what it would install.
set -euo pipefail

declare -A program=(
  [redis-server]=redis-server
  [clickhouse-server]=clickhouse-server
  [chromium]=chromium
  [npm]=npm # for chdb.sh and axe.sh
  [postgresql]='/usr/lib/postgresql/*/bin/postgres' # on nobody's path
  [poppler-utils]=pdftoppm                          # draws posters from their PDF
  [zbar-tools]=zbarimg                              # reads them
  [qrencode]=qrencode                               # is measured beside ours
)
packages=("$@")
[ ${#packages[@]} -gt 0 ] || packages=(redis-server clickhouse-server chromium postgresql poppler-utils zbar-tools qrencode)

missing=()
for package in "${packages[@]}"; do
  command -v "${program[$package]}" >/dev/null 2>&1 || compgen -G "${program[$package]}" >/dev/null || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

install="apt-get install -y --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
  echo "Missing: ${missing[*]}. Install them, on Debian as root with: $install" >&2
  exit 1
fi

# Debian starts a server when its package is installed. Ours run on free ports when they are wanted and never by
# themselves, so starting is refused meanwhile.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
$install
