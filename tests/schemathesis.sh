#!/usr/bin/env bash
# Calls every route of a running `reply-router demo` with what its description allows and with what it does not, and holds
# each answer against the description. Needs python3 with venv; schemathesis is installed into target/schemathesis.
set -euo pipefail
cd "$(dirname "$0")/.."

bin="${REPLY_ROUTER:-target/debug/reply-router}"
tool=target/schemathesis
port="${PORT:-18480}"
examples="${EXAMPLES:-30}"
[ -x "$bin" ] || cargo build --locked
command -v python3 >/dev/null || { echo "tests/schemathesis.sh: please install first: python3 python3-venv" >&2; exit 1; }
if [ ! -x "$tool/bin/schemathesis" ]; then
  python3 -m venv "$tool" || { echo "tests/schemathesis.sh: please install first: python3-venv" >&2; exit 1; }
  "$tool/bin/pip" install --quiet 'schemathesis==4.*'
fi

"$bin" demo --listen "127.0.0.1:$port" --sinks "127.0.0.1:$((port + 1))" --every 1s >target/schemathesis.demo.log 2>&1 &
demo=$!
trap 'kill "$demo" 2>/dev/null || true' EXIT
for _ in $(seq 300); do
  if "$tool/bin/python" -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/readyz')" 2>/dev/null; then break; fi
  kill -0 "$demo" || { cat target/schemathesis.demo.log >&2; exit 1; }
  sleep 0.2
done

# What is left out: the events never end by themselves, and the pages answer with redirects that lead to pages.
"$tool/bin/schemathesis" run "http://127.0.0.1:$port/openapi.json" \
  --max-examples "$examples" --seed "${SEED:-1}" --workers 2 --request-timeout 20 \
  --exclude-path /api/v1/events --exclude-tag pages \
  --checks all --exclude-checks unsupported_method,missing_required_header
kill -0 "$demo" || { echo "tests/schemathesis.sh: the service has ended" >&2; exit 1; }
if grep -n "panicked" target/schemathesis.demo.log; then
  echo "tests/schemathesis.sh: the service panicked" >&2
  exit 1
fi
