#!/usr/bin/env bash
# Draws the passwords of a cluster and writes them where compose.yaml and kubernetes/ look for them: into deploy/secrets, or
# the folder that is named. Nobody but the owner can enter the folder; the files in it are readable, since each server in a
# container reads its own as another user. A folder that is there already stays as it is.
set -euo pipefail
umask 077

dir=${1:-$(dirname "$0")/secrets}
if [ -e "$dir" ]; then
  echo "$dir is there already" >&2
  exit 1
fi
draw() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }
redis=$(draw) clickhouse=$(draw) postgres=$(draw)

mkdir -p "$dir"
cat >"$dir/truyvet.conf" <<EOT
TRUYVET_REDIS_URL=redis://truyvet:$redis@redis:6379/0
TRUYVET_CLICKHOUSE_URL=clickhouse://truyvet:$clickhouse@clickhouse:9000/truyvet
TRUYVET_REGISTRY_URL=postgres://truyvet:$postgres@postgres:5432/truyvet?sslmode=disable
EOT
printf 'user default off\nuser truyvet on >%s ~* &* +@all\n' "$redis" >"$dir/redis.acl"
printf '%s' "$clickhouse" >"$dir/clickhouse_password"
printf '%s' "$postgres" >"$dir/postgres_password"
chmod 444 "$dir"/*
echo "The passwords are in $dir."
