#!/usr/bin/env bash
# Everything that must hold before a change lands: formatting, lints, all tests, documentation.
#
#   tests/run.sh        all of it; installs what is missing first (tests/setup.sh)
#   tests/run.sh fast   formatting, lints and the tests that take seconds: an answer while you work, within three minutes
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$1"; }

# With the test hooks (every target that is a test has them), then the program as it ships.
lint() {
  cargo clippy --locked --all-targets -- -D warnings
  cargo clippy --locked -- -D warnings
}

# Failpoints and mutations exist for tests only.
ships_no_hooks() {
  cargo build --locked
  local found
  found=$(grep --text --only-matching --extended-regexp 'REPLY_ROUTER_(FAILPOINTS|MUTATIONS)|SkipGuard' \
    target/debug/reply-router | sort -u | tr '\n' ' ') || true
  [ -z "$found" ] || { echo "tests/run.sh: the program has test hooks: $found" >&2; exit 1; }
}

# What runs on a store of either kind runs on PostgreSQL, too: the store's contract, whole sequences of the engine, and the
# mistakes that the tests must notice.
on_postgres() {
  REPLY_ROUTER_TEST_STORE=postgres cargo test --locked --test it -- \
    store:: engine:: guard:: failures:: mutations:: erasure:: retention:: --skip store::file:: --skip store::upgrade:: --skip restore::
}

# Licences and sources, by deny.toml. Without `advisories`, which needs the network.
check_dependencies() {
  if command -v cargo-deny >/dev/null; then
    cargo deny --locked check bans licenses sources
  else
    echo "skipped: cargo-deny is not installed (cargo install --locked cargo-deny)"
  fi
}

case "${1:-all}" in
  all)
    tests/setup.sh
    step "formatting";    cargo fmt --check
    step "lints";         lint
    step "tests";         cargo test --locked
    step "tests on PostgreSQL"; on_postgres
    step "no test hooks"; ships_no_hooks
    step "dependencies";  check_dependencies
    step "routes";        tests/schemathesis.sh
    step "documentation"; RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
    ;;
  fast)
    # What plays thousands of sequences, kills processes, cuts connections or opens a browser.
    slow=(model mutations crash connection_cut browser outcomes storage_faults schema::mutated documents)
    for name in "${slow[@]}"; do
      [ -f "tests/it/${name//:://}.rs" ] || [ -d "tests/it/$name" ] ||
        { echo "tests/run.sh: there are no tests \`$name\` to leave out" >&2; exit 1; }
    done
    step "formatting";    cargo fmt --check
    step "lints";         lint
    step "unit tests";    cargo test --locked --lib
    step "tests";         cargo test --locked --test it -- $(printf -- '--skip=%s:: ' "${slow[@]}")
    printf '\nleft to tests/run.sh: routes, documentation, and the tests %s\n' "${slow[*]}"
    ;;
  *)
    echo "tests/run.sh: unknown argument \`$1\`; use \`tests/run.sh\` or \`tests/run.sh fast\`" >&2
    exit 2
    ;;
esac
