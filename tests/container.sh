#!/usr/bin/env bash
# Carries out the Dockerfile without Docker: each step in its order, in clean Debian systems, and then runs what came out.
# Not part of tests/run.sh: it builds the optimised program and fetches Debian systems. Linux, as root.
#
#   tests/container.sh                     all of it
#   PROGRAM=path tests/container.sh        takes this program for what the stage `build` makes, and does the rest
#
# It knows the instructions that the Dockerfile uses and refuses any other. An image that begins a stage is made of Debian's
# packages: `debian:bookworm-slim` is the smallest system, `rust:1.95-bookworm` that system with a C compiler and this
# machine's Rust 1.95. What those images bring beyond that is not shown by this.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "tests/container.sh: $1" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || fail "run it as root: it makes systems to build in"
# In a mount namespace of its own: whatever happens, no mount stays.
[ "${OWN_NAMESPACE:-}" = yes ] || OWN_NAMESPACE=yes exec unshare --mount "$0" "$@"
needed=()
command -v mmdebstrap >/dev/null || needed+=(mmdebstrap)
[ -f /usr/share/keyrings/debian-archive-keyring.gpg ] || needed+=(debian-archive-keyring)
command -v ip >/dev/null || needed+=(iproute2)
[ "${#needed[@]}" -eq 0 ] || { apt-get update -qq && apt-get install --yes --no-install-recommends -qq "${needed[@]}"; } >/dev/null ||
  fail "please install first: ${needed[*]}"

program="${PROGRAM:-}"
[ -z "$program" ] || program=$(realpath "$program")
work=$(mktemp -d)
# shellcheck disable=SC2329 # the trap calls it
cleanup() {
  local mounted
  while mounted=$(grep --only-matching "${work}[^ ]*" /proc/self/mounts | tail -n 1); [ -n "$mounted" ]; do umount "$mounted"; done
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT

# The stage at hand: its system, and what the instructions said of it so far.
stage='' root='' user='' folder='' path='' variables=() entrypoint='' command='' health=''

# Lays out a system of Debian's packages; it is fetched once.
lay_out() {
  local base="$PWD/target/container-$1.tar" packages="$2"
  [ -f "$base" ] || mmdebstrap --quiet --variant=minbase ${packages:+"--include=$packages"} bookworm "$base"
  mkdir "$root"
  tar --extract --directory "$root" --file "$base"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
}

# FROM IMAGE [AS NAME]
from() {
  stage="${3:-final}"
  root="$work/$stage"
  user=root folder=/ path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin variables=() entrypoint='' command='' health=''
  [ "$stage" != build ] || [ -z "$program" ] || return 0
  case "$1" in
    debian:bookworm-slim) lay_out slim "" ;;
    rust:1.95-bookworm)
      rustc --version | grep --quiet '^rustc 1\.95\.' || fail "this machine's Rust is not 1.95"
      lay_out rust gcc,libc6-dev,ca-certificates
      mkdir --parents "$root/usr/local/rustup" "$root/usr/local/cargo"
      mount --bind "${RUSTUP_HOME:-$HOME/.rustup}" "$root/usr/local/rustup"
      mount --bind "${CARGO_HOME:-$HOME/.cargo}" "$root/usr/local/cargo"
      path="/usr/local/cargo/bin:$path" variables=(RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo)
      ;;
    *) fail "it does not know the image $1" ;;
  esac
}

# Runs a program in the stage's system, as its user, in its folder, with its variables and no others. `enter` holds what goes
# before the program's name, for what is to run in the background under its own process id.
inside() {
  enter=(env --ignore-environment PATH="$path" "${variables[@]}"
    chroot --userspec="$user" "$root" /bin/sh -c "cd '$folder' && exec \"\$@\"" sh)
  "${enter[@]}" "$@"
}

# COPY [--from=STAGE] SOURCE… TARGET
copy() {
  local from="$PWD" sources target="${*: -1}"
  if [[ "$1" = --from=* ]]; then
    from="$work/${1#--from=}"
    shift
    [ -z "$program" ] || { install --mode=755 "$program" "$root$target"; return; }
  fi
  sources=("${@:1:$#-1}")
  [[ "$target" = /* ]] || target="$folder/$target"
  for source in "${sources[@]}"; do
    if [ -d "$from/$source" ]; then
      mkdir --parents "$root$target"
      cp --recursive "$from/$source/." "$root$target"
    else
      cp "$from/$source" "$root$target"
    fi
  done
}

# ["a", "b"] as words.
words() { python3 -c 'import json, sys; print("\n".join(json.loads(sys.argv[1])))' "$1"; }

carry_out() {
  local instruction="${1%% *}" rest="${1#* }"
  printf '\n== %s\n' "$1"
  if [ "$instruction" != FROM ] && [ "$stage" = build ] && [ -n "$program" ]; then
    echo "left out: PROGRAM is given"
    return
  fi
  # shellcheck disable=SC2086 # its arguments are words
  case "$instruction" in
    FROM) from $rest ;;
    WORKDIR) folder="$rest"; mkdir --parents "$root$rest" ;;
    COPY) copy $rest ;;
    RUN) inside sh -c "$rest" ;;
    USER) user="$rest"; chroot "$root" id "$user" ;;
    ENV) variables+=("$rest") ;;
    VOLUME) [ -d "$root$rest" ] || fail "there is no $rest" ;;
    EXPOSE) ;;
    HEALTHCHECK) health="${rest##*CMD }" ;;
    ENTRYPOINT) entrypoint=$(words "$rest") ;;
    CMD) command=$(words "$rest") ;;
    *) fail "it does not know the instruction $instruction" ;;
  esac
}

# One instruction a line: comments go, continued lines are joined.
while IFS= read -r line; do
  carry_out "$line"
done < <(grep --invert-match --extended-regexp '^[[:space:]]*(#|$)' Dockerfile | sed --regexp-extended ':a; /\\$/ { N; s/[[:space:]]*\\\n[[:space:]]*/ /; ba }')

printf '\n== the image\n'
mapfile -t entrypoint <<<"$entrypoint"
mapfile -t command <<<"$command"
[ "$(inside id --user)" != 0 ] || fail "it runs as root"
inside "${entrypoint[@]}" --version
inside "${entrypoint[@]}" init /data
[ -f "$root/data/reply-router.yaml" ] || fail "init wrote no configuration"
inside "${entrypoint[@]}" test

printf '\n== the service, with the root read-only and a network of its own\n'
sed --in-place 's|^    # base_url: .*|    base_url: http://127.0.0.1:8090/api/public/v1|' "$root/data/reply-router.yaml"
variables+=(COLDSEND_API_KEY=cs_live_simulated)
serve() {
  ip link set lo up
  mount --bind "$root" "$root"
  mount --bind "$root/data" "$root/data"
  mount -o remount,bind,ro "$root"
  ! inside touch /usr/local/bin/x 2>/dev/null || fail "the root can be written"
  "${enter[@]}" "${entrypoint[@]}" simulate >"$work/simulate.log" 2>&1 &
  local simulated=$! service answer=
  "${enter[@]}" "${entrypoint[@]}" "${command[@]}" >"$work/run.log" 2>&1 &
  service=$!
  # shellcheck disable=SC2064
  trap "kill $simulated $service 2>/dev/null || true" EXIT
  for _ in $(seq 60); do
    answer=$(curl --silent http://127.0.0.1:8080/readyz) && [ "$answer" = ready ] && break
    kill -0 "$service" 2>/dev/null || break
    sleep 0.5
  done
  [ "$answer" = ready ] || { cat "$work/run.log" >&2; fail "the service is not ready"; }
  inside sh -c "$health" && echo "healthy"
  kill "$service"
  wait "$service" || fail "it did not end by itself"
  ! inside sh -c "$health" || fail "it is healthy without a service"
  [ -s "$root/data/reply-router.db" ] || fail "it wrote no store"
}
# Its own mounts and its own network, gone with the shell.
state=$(declare -p root work user folder path variables entrypoint command health)
unshare --mount --net bash -euo pipefail -c "$state; $(declare -f fail inside serve); serve"
printf '\n== all of it holds\n'
