#!/usr/bin/env bash
# Calls every route of a running service, over a simulated workspace, with what its description allows and with what it does
# not, and holds each answer against the description. Needs python3 with venv, and a package registry the first time:
# schemathesis is installed into target/schemathesis.
set -euo pipefail
cd "$(dirname "$0")/.."

bin="${REPLY_ROUTER:-$PWD/target/debug/reply-router}"
tool="$PWD/target/schemathesis"
port="${PORT:-18480}"
[ -x "$bin" ] || cargo build --locked
command -v python3 >/dev/null || { echo "tests/schemathesis.sh: please install first: python3 python3-venv" >&2; exit 1; }
if [ ! -x "$tool/bin/schemathesis" ]; then
  python3 -m venv "$tool" || { echo "tests/schemathesis.sh: please install first: python3-venv" >&2; exit 1; }
  "$tool/bin/pip" install --quiet 'schemathesis==4.*'
fi

work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
token=$(printf '0123456789abcdef%.0s' 1 2 3)
mkdir "$work/rules"
cat >"$work/reply-router.yaml" <<YAML
workspaces:
  - { name: acme, api_key: cs_live_simulated, base_url: "http://127.0.0.1:$((port + 1))/api/public/v1", poll_every: 30s, mode: draft, hook_token: hook-0123456789abcdef }
admin: { listen: "127.0.0.1:$port", token: "$token" }
rules: rules/
safety: { start_from: 7d }
YAML
cat >"$work/rules/rules.yaml" <<'YAML'
version: 1
rules:
  - { name: drafts, when: { category: [interested, meeting_request] }, then: [{ reply: { text: "Hi {{ lead.first_name | default('there') }}." } }, star] }
  - { name: the-rest, when: always, then: [unstar] }
YAML
"$bin" simulate --listen "127.0.0.1:$((port + 1))" --every 2s >"$work/simulate.log" 2>&1 &
pids+=($!)
"$bin" --config "$work/reply-router.yaml" run >"$work/run.log" 2>&1 &
run=$!
pids+=("$run")
ready() { "$tool/bin/python" -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/readyz')" 2>/dev/null; }
until ready; do
  kill -0 "$run" 2>/dev/null || { cat "$work/run.log" >&2; exit 1; }
  sleep 0.2
done

# A list takes any `limit`, "never refused"; and an explanation that finds the API key's budget used up says 503.
# What is in a table, no JSON Schema tells.
cat >"$work/schemathesis.toml" <<'TOML'
[[operations]]
include-name = ["GET /api/v1/workspaces", "GET /api/v1/rules", "GET /api/v1/actions", "GET /api/v1/decisions", "GET /api/v1/opt-outs", "GET /api/v1/audit", "GET /api/v1/left"]
checks.negative_data_rejection.enabled = false

[[operations]]
include-name = "GET /api/v1/threads/{id}/explain"
checks.not_a_server_error.enabled = false

[[operations]]
include-name = "POST /api/v1/opt-outs/import"
checks.positive_data_acceptance.enabled = false
TOML

# Left out: the events never end by themselves, and the pages answer with redirects to pages. More than one worker at a time
# trips over a fault of Python 3.11.
# It keeps notes in the folder that it is called in.
cd "$work"
"$tool/bin/schemathesis" --config-file "$work/schemathesis.toml" run "http://127.0.0.1:$port/openapi.json" \
  --header "Authorization: Bearer $token" --max-examples "${EXAMPLES:-30}" --seed "${SEED:-1}" --workers 1 \
  --request-timeout 20 --exclude-path /api/v1/events --exclude-tag pages
kill -0 "$run" 2>/dev/null || { echo "tests/schemathesis.sh: the service has ended" >&2; exit 1; }
if grep -n "panicked" "$work/run.log"; then
  echo "tests/schemathesis.sh: the service panicked" >&2
  exit 1
fi
