#!/usr/bin/env bash
# Everything that must hold before a change lands: formatting, lints, all tests, documentation.
# Installs what the tests need and is missing, as root or with sudo; otherwise it says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

# A C compiler builds SQLite and the TLS library; the tests end the program (kill), let it meet a full disk (prlimit) and
# files that it may not write (setpriv), check the examples for Prometheus (promtool), and bring everything else with them.
needed=()
command -v cc >/dev/null || needed+=(gcc libc6-dev)
type -P kill >/dev/null || needed+=(procps)
command -v prlimit >/dev/null && command -v setpriv >/dev/null || needed+=(util-linux)
command -v promtool >/dev/null || needed+=(prometheus)
if [ "${#needed[@]}" -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo --non-interactive)
  if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
         apt-get install --yes --no-install-recommends -qq "${needed[@]}"; } >/dev/null; then
    echo "tests/run.sh: please install first: ${needed[*]} (apt-get install ${needed[*]})" >&2
    exit 1
  fi
fi

step() { printf '\n== %s\n' "$1"; }
step "formatting";    cargo fmt --check
step "lints";         cargo clippy --locked --all-targets -- -D warnings
step "tests";         cargo test --locked
step "documentation"; RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
