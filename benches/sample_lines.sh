#!/usr/bin/env bash
# Times `forebay sample -n 1000` against `wc -l` and `shuf -n 1000`, in turn, on a file of a gigabyte
# made of the lines of FILE (or of made-up ones) again and again, and prints medians and ratios pair
# by pair. Both cores should be free.
#
#     benches/sample_lines.sh [FILE] [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${2:-5}
cargo build --quiet --release -p forebay-cli
forebay=target/release/forebay
big=$(mktemp)
trap 'rm -f "$big"' EXIT
if [ -n "${1:-}" ]; then
    while [ "$(stat -c %s "$big")" -lt 1050000000 ]; do cat "$1" >>"$big"; done
else
    seq -f 'a line of some length, number %.0f of twenty million' 20000000 >"$big"
fi
millis() {
    local from
    from=$(date +%s%N)
    "$@" >/dev/null
    echo $((($(date +%s%N) - from) / 1000000))
}
wc -l "$big" >/dev/null
for _ in $(seq "$rounds"); do
    echo "$(millis "$forebay" sample -n 1000 "$big") $(millis wc -l "$big") $(millis shuf -n 1000 "$big")"
done | awk '
    function median(of, n) {
        for (i = 2; i <= n; i++) for (j = i; j > 1 && of[j - 1] > of[j]; j--) { t = of[j]; of[j] = of[j - 1]; of[j - 1] = t }
        return n % 2 ? of[(n + 1) / 2] : (of[n / 2] + of[n / 2 + 1]) / 2
    }
    { ours[NR] = $1; wc[NR] = $2; shuf[NR] = $3; over[NR] = $1 / $2; under[NR] = $3 / $1 }
    END {
        printf "forebay sample %d ms, wc -l %d ms, shuf %d ms\n", median(ours, NR), median(wc, NR), median(shuf, NR)
        printf "against wc -l %.2f, shuf against it %.1f\n", median(over, NR), median(under, NR)
    }'
