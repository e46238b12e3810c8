#!/bin/sh
# The live page of `forebay stream --serve` in a headless Chromium: the four charts and the heavy
# hitters with their bounds are in the document, with a token and without, and nothing of the input
# is markup. Leaves a picture where PAGE_PICTURE says. FOREBAY names the built program.
# `cargo xtask page` sees to it and to the browser.
set -eu
cd "$(dirname "$0")/../.."

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)

work=$(mktemp -d)
stream=
trap '[ -z "$stream" ] || kill "$stream" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

# A pipe that stays open keeps the stream alive.
mkfifo "$work/lines"
# begin ARGUMENT...: starts a stream and waits until it serves.
begin() {
    "$FOREBAY" stream --serve 0 -q --field 1 --batch-lines 4 --samples 0 "$@" \
        <"$work/lines" >"$work/result" 2>"$work/messages" &
    stream=$!
    exec 3>"$work/lines"
    for _ in $(seq 100); do
        address=$(sed -n 's|^serving at ||p' "$work/messages")
        [ -z "$address" ] || break
        sleep 0.1
    done
    [ -n "$address" ] || fail "no address: $(cat "$work/messages")"
}
# serve ARGUMENT...: starts a stream and feeds it.
serve() {
    begin -k 2 "$@"
    for batch in 1 2 3; do
        printf '%s\n' '<b>ebb</b>' '<b>ebb</b>' 'flow' "tide$batch" >&3
    done
}
# end: the input ends, and so does the stream.
end() {
    exec 3>&-
    wait "$stream"
    stream=
}
chromium() {
    "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
        --user-data-dir="$work/profile" --virtual-time-budget=4000 "$@" 2>"$work/browser"
}
# dump FRAGMENT: the document after a few seconds of the page.
dump() { chromium --dump-dom "$address$1" >"$work/page.html"; }
has() { grep -qF -- "$1" "$work/page.html" || fail "not on the page: $1; $(cat "$work/page.html")"; }
has_not() { ! grep -qF -- "$1" "$work/page.html" || fail "on the page: $1"; }
check() {
    for title in "Input rate" "Scheduling delay" "Processing time" "Total delay"; do
        has "<b>$title</b>"
    done
    [ "$(grep -o '<svg ' "$work/page.html" | wc -l)" -eq 4 ] || fail "not four charts"
    [ "$(grep -o '<polyline class="line"' "$work/page.html" | wc -l)" -eq 4 ] || fail "not four curves"
    # No clock runs the batches, so there is no interval.
    has '3 batches, 12 items, last batch ended 20'
    has '<h2>Heavy hitters: heavy_hitters</h2>'
    # 12 lines in 2 counters: 6 of the first item, at least 3 and at most 6 of them known.
    has '<td><code>&lt;b&gt;ebb&lt;/b&gt;</code></td>'
    bounds=$(grep -o 'ebb&lt;/b&gt;</code></td><td class="n">[0-9]*</td><td class="n">[0-9]*</td>' \
        "$work/page.html" | head -n 1 | grep -o '>[0-9]*<' | tr -dc '0-9\n' | tr '\n' ' ')
    set -- $bounds
    [ "$#" -eq 2 ] && [ "$1" -le 6 ] && [ "$2" -ge 6 ] && [ "$1" -ge 1 ] || fail "bounds $bounds"
    has '<h2>Heavy hitters: counts</h2>'
    has '<td class="n">6</td><td class="n">6</td>'
    has_not '<b>ebb</b>'
    grep -o '<p id="status"[^>]*>' "$work/page.html" | grep -q hidden || fail "the page complains"
}

serve
dump ''
check
[ -z "${PAGE_PICTURE:-}" ] || chromium --window-size=1280,1100 --screenshot="$PAGE_PICTURE" "$address"
end

echo s3cret >"$work/token"
serve --serve-token-file "$work/token"
dump ''
has 'a token is needed'
has_not '<svg '
has_not 'ebb'
dump '#token=wrong'
has 'a token is needed'
dump '#token=s3cret'
check
end
# Items of a quarter of a megabyte are cut, and the rest of the page is there.
begin
for item in $(seq 20); do
    head -c 250000 /dev/zero | tr '\0' y
    echo "$item"
done >&3
sleep 1
dump ''
has '<h2>Heavy hitters: heavy_hitters</h2>'
has 'yyyy… (250002 bytes)</code>'
[ "$(grep -o '<td><code>y' "$work/page.html" | wc -l)" -eq 40 ] || fail "not all long items"
[ "$(grep -o '<svg ' "$work/page.html" | wc -l)" -eq 4 ] || fail "no charts beside long items"
end
echo "the page shows charts and heavy hitters, with a token and without"
