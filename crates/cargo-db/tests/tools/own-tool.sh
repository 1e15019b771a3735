#!/bin/sh
# A migration tool of a project's own: two migrations, and a table that remembers how many are in.
set -eu
sql() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$1"; }
count() { sql "SELECT count(*) FROM own_history" 2>/dev/null || echo 0; }
case "$1" in
status)
    for n in 1 2; do
        if [ "$(count)" -ge "$n" ]; then echo "applied step-$n"; else echo "pending step-$n"; fi
    done
    ;;
up)
    sql "CREATE TABLE IF NOT EXISTS own_history (n int)"
    [ "$(count)" -ge 1 ] || sql "CREATE TABLE users (id bigint, name text); INSERT INTO own_history VALUES (1)"
    [ "$(count)" -ge 2 ] || sql "ALTER TABLE users ADD COLUMN email text; INSERT INTO own_history VALUES (2)"
    ;;
down)
    if [ "$(count)" -ge 2 ]; then
        sql "ALTER TABLE users DROP COLUMN email; DELETE FROM own_history WHERE n = 2"
    else
        sql "DROP TABLE users; DELETE FROM own_history WHERE n = 1"
    fi
    ;;
new) echo "-- $2" >"$2.new" ;;
esac
