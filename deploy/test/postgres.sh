#!/usr/bin/env bash
# What the official image does with its settings, as far as compose.yml uses them: POSTGRES_USER, POSTGRES_PASSWORD,
# POSTGRES_DB, PGDATA.
set -euo pipefail
: "${POSTGRES_PASSWORD:?is needed}" "${POSTGRES_USER:=postgres}"
: "${POSTGRES_DB:=$POSTGRES_USER}"
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chown -R postgres:postgres "$PGDATA"
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --clear-groups bash "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 --no-instructions
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    if [ "$POSTGRES_DB" != postgres ]; then
        # Nobody connects before the database is there.
        echo "create database \"$POSTGRES_DB\"" | postgres --single -j -D "$PGDATA" postgres >/dev/null
    fi
fi
exec "$@" -c 'listen_addresses=*' -c unix_socket_directories=/var/run/postgresql
