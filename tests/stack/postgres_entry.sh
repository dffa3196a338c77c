#!/bin/sh
# What the official image's entry point does, as far as Samokoder's Compose file leans on it:
# POSTGRES_USER (a superuser), POSTGRES_PASSWORD and POSTGRES_DB make the cluster of an empty
# PGDATA; then the server runs as the user postgres, with the arguments that it was given.
set -eu
if [ "$(id -u)" = 0 ] && { [ "$1" = postgres ] || [ "${1#-}" != "$1" ]; }; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown postgres:postgres "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
if [ "${1#-}" != "$1" ]; then set -- postgres "$@"; fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    user=${POSTGRES_USER:-postgres}
    secret=$(mktemp)
    printf '%s\n' "${POSTGRES_PASSWORD:?POSTGRES_PASSWORD is wanted}" >"$secret"
    initdb --username="$user" --pwfile="$secret" --no-sync >/dev/null
    rm "$secret"
    printf "listen_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    if [ "${POSTGRES_DB:-$user}" != postgres ]; then
        printf 'CREATE DATABASE "%s"\n' "${POSTGRES_DB:-$user}" |
            postgres --single -F -D "$PGDATA" postgres >/dev/null
    fi
fi
exec "$@"
