#!/usr/bin/env bash
# Times `forebay top -n 10 --jobs 1` against DuckDB's exact GROUP BY with one thread, in turn, on a
# gigabyte of words, one a line, made of the words of FILE (or of made-up ones) again and again, and
# then once against `sort | uniq -c | sort -rn | head`. Prints the time on the processor, so that a
# busy machine does not matter much. PYTHON names an interpreter that has the package duckdb; without
# one that rival is left out. Takes some ten minutes, nearly all of them `sort`'s.
#
#     PYTHON=python3 benches/top_words.sh [FILE] [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${2:-5}
cargo build --quiet --release -p forebay-cli
words=$(mktemp)
part=$(mktemp)
trap 'rm -f "$words" "$part"' EXIT
if [ -n "${1:-}" ]; then
    tr -s '[:space:]' '\n' <"$1" >"$part"
else
    awk 'BEGIN { srand(1); for (i = 0; i < 1000000; i++) print "word" int(exp(rand() * 10)) }' >"$part"
fi
while [ "$(stat -c %s "$words")" -lt 1000000000 ]; do cat "$part" >>"$words"; done

# Seconds on the processor, of the command and all its children.
seconds() {
    local TIMEFORMAT='%U %S'
    { time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ print $1 + $2 }'
}
forebay() { target/release/forebay top -n 10 --jobs 1 "$words"; }
duckdb() {
    "$PYTHON" -c "
import duckdb
db = duckdb.connect()
db.execute('set threads to 1')
db.execute('set enable_progress_bar = false')
db.execute('''select word, count(*) n from read_csv('$words', header = false, columns = {'word': 'varchar'},
    delim = '\t', quote = '', escape = '') group by word order by n desc limit 10''').fetchall()"
}
sorting() { sort "$words" | uniq -c | sort -rn | head; }

for _ in $(seq "$rounds"); do
    ours=$(seconds forebay)
    theirs=nan
    if [ -n "${PYTHON:-}" ]; then theirs=$(seconds duckdb); fi
    echo "$ours $theirs" | awk '{ printf "forebay top %.1f s, duckdb %.1f s: %.2f times\n", $1, $2, $2 / $1 }'
done
echo "$ours $(seconds sorting)" | awk '{ printf "forebay top %.1f s, sort and uniq %.1f s: %.1f times\n", $1, $2, $2 / $1 }'
