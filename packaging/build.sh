#!/usr/bin/env bash
# Builds the Debian package into target/debian/ and prints its path.
#
#   packaging/build.sh                 for this machine
#   PROFILE=dev packaging/build.sh     quick to build and slow to run: to try the package itself; cargo-deb warns of it
#
# Needs cargo-deb: `cargo install cargo-deb`, or it is installed into target/tools/cargo-deb.
set -euo pipefail
cd "$(dirname "$0")/.."

profile="${PROFILE:-dist}"
folder="$profile"
[ "$profile" != dev ] || folder=debug

cargo build --locked --profile "$profile" >&2
bin="target/$folder/reply-router"
rm -rf target/package
mkdir -p target/package/completions
"$bin" man target/package/man >&2
"$bin" completions bash >target/package/completions/reply-router.bash
"$bin" completions zsh >target/package/completions/_reply-router
"$bin" completions fish >target/package/completions/reply-router.fish

tool=cargo-deb
if ! command -v cargo-deb >/dev/null; then
  tool="$PWD/target/tools/cargo-deb/bin/cargo-deb"
  [ -x "$tool" ] || cargo install --quiet --locked --root target/tools/cargo-deb cargo-deb >&2
fi
"$tool" --no-build --profile "$profile"
