#!/usr/bin/env bash
# Installs the Debian package in a clean Debian system, runs the program and its service, removes it, and checks what stays.
# Not part of tests/run.sh: it builds the optimised program and fetches a Debian system. Linux, as root.
#
#   tests/package.sh               builds the package first (packaging/build.sh)
#   tests/package.sh FILE.deb      takes this one
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "tests/package.sh: $1" >&2; exit 1; }
step() { printf '\n== %s\n' "$1"; }

[ "$(id -u)" -eq 0 ] || fail "run it as root: it makes a system to install into"
needed=()
command -v mmdebstrap >/dev/null || needed+=(mmdebstrap)
[ -f /usr/share/keyrings/debian-archive-keyring.gpg ] || needed+=(debian-archive-keyring)
command -v systemd-nspawn >/dev/null || needed+=(systemd-container)
command -v dpkg-shlibdeps >/dev/null || needed+=(dpkg-dev)
[ "${#needed[@]}" -eq 0 ] || { apt-get update -qq && apt-get install --yes --no-install-recommends -qq "${needed[@]}"; } >/dev/null ||
  fail "please install first: ${needed[*]}"

step "the package"
deb="${1:-$(packaging/build.sh | tail -n 1)}"
[ -f "$deb" ] || fail "there is no package $deb"
dpkg-deb --info "$deb"
dpkg-deb --contents "$deb"

step "a clean system"
base="$PWD/target/package-root.tar"
[ -f "$base" ] || mmdebstrap --quiet --variant=minbase --include=systemd-sysv bookworm "$base"
work=$(mktemp -d)
system="$work/system"
machine=
# shellcheck disable=SC2329 # the trap calls it
cleanup() {
  if [ -n "$machine" ]; then
    kill "$machine" 2>/dev/null || true
    wait "$machine" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT
mkdir "$system"
tar --extract --directory "$system" --file "$base"
cp "$deb" "$system/package.deb"
cp /etc/resolv.conf "$system/etc/resolv.conf"
# The network is the machine's own: apt reaches its mirror and, later, the service a simulated workspace.
inside() { systemd-nspawn --quiet --pipe --register=no --keep-unit --directory "$system" -- "$@"; }

step "install"
inside apt-get update -qq
inside env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq /package.deb
inside reply-router --version
inside reply-router --config /etc/reply-router/reply-router.yaml test
[ "$(stat --format '%a %U' "$system/etc/reply-router/environment")" = "600 root" ] || fail "others can read the keys"
[ "$(inside stat --format '%a %U:%G' /var/lib/reply-router)" = "700 reply-router:reply-router" ] || fail "the store's folder is not private"
[ -f "$system/usr/share/man/man1/reply-router.1.gz" ] || [ -f "$system/usr/share/man/man1/reply-router.1" ] || fail "no manual page"
inside bash -c '. /usr/share/bash-completion/completions/reply-router' || fail "the completions for bash are not a script"

step "the demo, for five seconds"
inside reply-router demo --listen 127.0.0.1:18580 --sinks 127.0.0.1:18590 --every 1s --for 5s | tail -n 5

step "the unit"
inside systemd-analyze verify --man=no /usr/lib/systemd/system/reply-router.service
exposure=$(inside env SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0 systemd-analyze security --offline=true --no-pager /usr/lib/systemd/system/reply-router.service | sed -n 's/.*exposure level[^:]*: \([0-9.]*\).*/\1/p')
echo "exposure level: $exposure"
awk -v exposure="$exposure" 'BEGIN { exit !(exposure != "" && exposure < 2.0) }' || fail "the exposure level is not below 2.0"

step "the service, in a booted system"
# Its workspace is simulated in the same system.
cat >"$system/etc/systemd/system/simulate.service" <<'UNIT'
[Service]
ExecStart=/usr/bin/reply-router simulate --listen 127.0.0.1:18591 --every 1s
DynamicUser=yes
[Install]
WantedBy=multi-user.target
UNIT
sed --in-place 's|^    # base_url: .*|    base_url: http://127.0.0.1:18591/api/public/v1|; s|^# admin:|admin:|; s|^#   listen: .*|  listen: 127.0.0.1:18580|' \
  "$system/etc/reply-router/reply-router.yaml"
printf 'COLDSEND_API_KEY=cs_live_simulated\n' >>"$system/etc/reply-router/environment"
inside systemctl enable --quiet simulate.service reply-router.service
systemd-nspawn --quiet --register=no --keep-unit --directory "$system" --boot >"$work/boot.log" 2>&1 &
machine=$!
for _ in $(seq 60); do
  answer=$(curl --silent http://127.0.0.1:18580/readyz) && [ "$answer" = ready ] && break
  kill -0 "$machine" 2>/dev/null || { cat "$work/boot.log" >&2; fail "the system has ended"; }
  sleep 1
done
curl --silent http://127.0.0.1:18580/readyz
[ "$answer" = ready ] || { cat "$work/boot.log" >&2; fail "the service is not ready after a minute"; }
curl --silent http://127.0.0.1:18580/api/v1/status | head --bytes 400
echo
leader=$(pgrep --parent "$machine" | head -n 1)
booted() { nsenter --target "$leader" --mount --uts --ipc --pid -- "$@"; }
main_pid() { booted systemctl show --property MainPID --value reply-router.service; }
before=$(main_pid)
booted cat "/proc/$before/status" | grep --extended-regexp '^(CapEff|NoNewPrivs|Seccomp):'
booted grep --quiet --extended-regexp '^CapEff:[[:space:]]*0+$' "/proc/$before/status" || fail "it has capabilities"
booted grep --quiet --extended-regexp '^Seccomp:[[:space:]]*2$' "/proc/$before/status" || fail "its system calls are not filtered"
booted systemctl reload reply-router.service

step "an upgrade restarts it"
booted env DEBIAN_FRONTEND=noninteractive apt-get install --yes --reinstall -qq /package.deb
for _ in $(seq 30); do
  answer=$(curl --silent http://127.0.0.1:18580/readyz) && [ "$answer" = ready ] && break
  sleep 1
done
[ "$answer" = ready ] || fail "the service is not ready after the upgrade"
[ "$(main_pid)" != "$before" ] || fail "the old program still runs"
# An orderly shutdown, and with it the end of the service.
kill "$machine"
wait "$machine" || true
machine=
[ -s "$system/var/lib/reply-router/reply-router.db" ] || fail "the service wrote no store"
[ "$(stat --format %a "$system/var/lib/reply-router/reply-router.db")" = 600 ] || fail "others can read the store"

step "remove"
echo "# mine" >>"$system/etc/reply-router/rules/interested.yaml"
inside env DEBIAN_FRONTEND=noninteractive apt-get remove --yes -qq reply-router
[ ! -e "$system/usr/bin/reply-router" ] || fail "the program stays"
[ -s "$system/var/lib/reply-router/reply-router.db" ] || fail "removing took the store"
grep --quiet '# mine' "$system/etc/reply-router/rules/interested.yaml" || fail "removing took the configuration"
inside env DEBIAN_FRONTEND=noninteractive apt-get purge --yes -qq reply-router
[ ! -e "$system/etc/reply-router/environment" ] || fail "a purge leaves the keys"
[ -s "$system/var/lib/reply-router/reply-router.db" ] || fail "a purge took the store"
step "all of it holds"
